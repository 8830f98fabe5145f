using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace OrleansChat.WebFront.Sockets;

/// <summary>
/// A TCP connection as Kestrel sees it. It reads when Kestrel reads and writes when Kestrel flushes; nothing runs in between. Found among the connection's features by
/// who wants to go on with the socket alone (<see cref="HandOver"/>): Kestrel then forgets the connection, and everything about it but the socket becomes garbage.
/// </summary>
/// <remarks>A client that goes away is noticed by who reads or writes. TLS lies around this, so its bytes cannot be handed over.</remarks>
internal sealed class TcpConnection : DefaultConnectionContext, IConnectionSocketFeature
{
    /// <summary>How long a client that still sends is listened to after the last answer.</summary>
    private static readonly TimeSpan LingerTime = TimeSpan.FromSeconds(1);

    private static long _lastId;

    private readonly CancellationTokenSource _closed = new();
    private readonly TcpStream _stream;
    private readonly PipeReader _input;
    private readonly PipeWriter _output;
    private Action<Remains>? _next;
    private ConnectionAbortedException? _abortReason;
    private int _state;
    private bool _isReleased;

    /// <param name="socket">Its own from now on.</param>
    /// <param name="poller">Watches it; null: .NET does.</param>
    public TcpConnection(Socket socket, SocketPoller? poller)
        : base(Interlocked.Increment(ref _lastId).ToString("X8", CultureInfo.InvariantCulture))
    {
        (LocalEndPoint, RemoteEndPoint) = (socket.LocalEndPoint, socket.RemoteEndPoint);
        Polled = new PolledSocket(socket, poller);
        ConnectionClosed = _closed.Token;
        _stream = new TcpStream(this);
        _input = PipeReader.Create(_stream, new StreamPipeReaderOptions(leaveOpen: true, useZeroByteReads: true));
        _output = PipeWriter.Create(_stream, new StreamPipeWriterOptions(leaveOpen: true));
        Transport = new BothWays(_input, _output);
        Features.Set<IConnectionSocketFeature>(this);
        Features.Set(this);
    }

    private enum State
    {
        Open,
        Closed,

        /// <summary>The socket is somebody else's.</summary>
        HandedOver,
    }

    /// <summary>For what is read.</summary>
    public PolledSocket Polled { get; }

    public Socket Socket => Polled.Socket;

    /// <summary>Why it was torn down; null while it was not.</summary>
    public ConnectionAbortedException? AbortReason => Volatile.Read(ref _abortReason);

    /// <summary>What Kestrel writes from now on waits for who gets the socket: the answer to an upgrade and the first frame are one write. <see cref="HandOver"/> has to follow.</summary>
    /// <param name="holds">False: nothing was handed over after all. Nothing may have been written meanwhile.</param>
    public void HoldBack(bool holds = true) => _stream.HoldsBack = holds;

    /// <summary>Says what goes on with the socket when Kestrel lets go of it: at once when the request has ended, and whatever became of it.</summary>
    /// <param name="next">Gets the socket, to dispose it. Must not throw.</param>
    public void HandOver(Action<Remains> next) => _next = next;

    /// <summary>Tears the connection down. Kestrel's timeouts may call it late, when the socket is not its any more.</summary>
    public override void Abort(ConnectionAbortedException abortReason)
    {
        Interlocked.CompareExchange(ref _abortReason, abortReason, null);
        if (!TryEnd(State.Closed))
            return;
        CloseSocket();
        _ = _closed.CancelAsync(); // Kestrel holds locks that what it has registered takes, too.
    }

    public override async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isReleased, true))
            return;
        await base.DisposeAsync();
        if (_next is { } next)
        {
            byte[] early = [];
            try
            {
                early = TakeRead();
                await CompleteAsync();
            }
            finally
            {
                // An aborted one goes on, too: who waits for the socket finds it closed, and ends. The queue, so that nothing of the request flows along.
                TryEnd(State.HandedOver);
                ThreadPool.UnsafeQueueUserWorkItem(static all => all.next(all.remains), (next, remains: new Remains(Polled, early, _stream.Held)), preferLocal: true);
            }

            return;
        }

        await CompleteAsync();
        if (AbortReason is null)
            await LingerAsync();
        if (TryEnd(State.Closed))
            CloseSocket();
    }

    /// <summary>What was read from the socket and not used.</summary>
    private byte[] TakeRead()
    {
        if (!_input.TryRead(out var result))
            return [];
        var bytes = result.Buffer.ToArray();
        _input.AdvanceTo(result.Buffer.End);
        return bytes;
    }

    private async Task CompleteAsync()
    {
        await _input.CompleteAsync();
        await _output.CompleteAsync();
    }

    /// <summary>Closing a socket with unread bytes resets it, and the reset may overtake the last answer: what a refused client still sends is read for a while.</summary>
    private async Task LingerAsync()
    {
        try
        {
            Socket.Shutdown(SocketShutdown.Send);
            if (Socket.Available == 0)
                return;
            using var deadline = new CancellationTokenSource(LingerTime);
            var ignored = new byte[4_096];
            while (Polled.Receive(ignored) != 0)
                await Polled.WaitAsync(deadline.Token);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // The client is gone, or sends on and on.
        }
    }

    private void CloseSocket()
    {
        try
        {
            Socket.Shutdown(SocketShutdown.Both);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The client was faster.
        }

        Polled.Dispose();
    }

    private bool TryEnd(State how) => Interlocked.CompareExchange(ref _state, (int)how, (int)State.Open) == (int)State.Open;

    private sealed record BothWays(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}

/// <summary>What is left of a connection that Kestrel has forgotten.</summary>
/// <param name="Socket">Open, unless the connection was torn down.</param>
/// <param name="Early">What was read from it and not used.</param>
/// <param name="Answer">What was held back; to be written first.</param>
internal readonly record struct Remains(PolledSocket Socket, byte[] Early, byte[] Answer);
