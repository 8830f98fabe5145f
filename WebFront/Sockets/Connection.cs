using System.Buffers.Binary;
using System.IO.Pipelines;
using System.Net.Sockets;
using System.Net.WebSockets;
using Microsoft.AspNetCore.Connections;
using OrleansChat.WebFront.Frames;

namespace OrleansChat.WebFront.Sockets;

/// <summary>
/// One WebSocket: receive loop, heartbeat, close; bytes only. A <see cref="FrameReader"/> takes the messages out of what comes in; what goes out is the
/// <see cref="Outbox"/>'s. An idle connection waits in one zero-byte read and holds no timer and no buffer.
/// </summary>
internal sealed partial class Connection
{
    private const int MaxPiecesBeforePong = 4_096;

    /// <summary>How long a client may take to answer a close frame.</summary>
    private static readonly TimeSpan ClosePatience = TimeSpan.FromSeconds(5);

    /// <summary>How long a slow consumer may take to read up to its close frame.</summary>
    private static readonly TimeSpan SlowConsumerPatience = TimeSpan.FromSeconds(30);

    private readonly FrontOptions _options;
    private readonly TimeProvider _time;
    private readonly PipeReader _input;
    private readonly Stream _output;
    private readonly Socket? _plainSocket;
    private readonly Action _abort;
    private readonly ILogger _logger;
    private FrameReader _frames;
    private long _receivedAt;
    private long _pingedAt;
    private long _closeBy;
    private bool _isClosed;

    /// <param name="clientId">Names the connection in frames and logs.</param>
    /// <param name="input">What the client sends.</param>
    /// <param name="output">The way to the client that the answer to the upgrade took.</param>
    /// <param name="plainSocket">The socket below it; null where TLS or HTTP/2 lies between.</param>
    /// <param name="abort">Tears the connection down; reads fail after it.</param>
    /// <param name="flusher">Writes what is posted.</param>
    /// <param name="options">Limits.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">The log.</param>
    public Connection(
        string clientId, PipeReader input, Stream output, Socket? plainSocket, Action abort, Flusher flusher, FrontOptions options, TimeProvider time, ILogger logger)
    {
        (ClientId, _input, _output, _plainSocket, _abort, _options, _time, _logger) = (clientId, input, output, plainSocket, abort, options, time, logger);
        _receivedAt = time.GetTimestamp();
        _frames = new FrameReader(options.FrameBytes);
        Outbox = new Outbox(options.OutboxBytes, flusher)
        {
            Overflowed = () => Close(CloseCode.SlowConsumer, "Slow consumer: join again with since, nothing is lost"),
        };
    }

    public string ClientId { get; }

    public Outbox Outbox { get; }

    /// <summary>Runs the connection to its end. Does not throw.</summary>
    /// <param name="first">The first frame. It goes through the stream, behind the framework's answer to the upgrade, before anything goes straight to the socket.</param>
    /// <param name="receive">Takes a message: the bytes of all its fragments, valid until the task ends.</param>
    public async Task RunAsync(ReadOnlyMemory<byte> first, Func<ReadOnlyMemory<byte>, ValueTask> receive)
    {
        try
        {
            await _output.WriteAsync(first);
            await _output.FlushAsync();
            if (_plainSocket is not null)
                _plainSocket.Blocking = false;
            Outbox.Start(new SocketWriter(_output, _plainSocket));
            while (await ReceiveAsync(await _input.ReadAsync(), receive))
            {
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or SocketException or ObjectDisposedException or ConnectionAbortedException)
        {
            LogEnded(e, ClientId);
        }
        catch (Exception e)
        {
            LogFailed(e, ClientId);
            Close(CloseCode.InternalError, "Internal server error");
        }

        await LingerAsync();
        Outbox.Abandon();
    }

    /// <summary>Closes the connection, once: the first reason is the one that the client hears.</summary>
    public void Close(WebSocketCloseStatus code, string reason)
    {
        var slow = code == CloseCode.SlowConsumer;
        if (TryBeginClose(slow ? SlowConsumerPatience : ClosePatience))
            Outbox.Complete(WireFrame.Close(code, reason), dropWaiting: slow);
    }

    /// <summary>Looks at the clock: pings a silent client, closes a dead one. Called for all connections in turn by <see cref="Heartbeat"/>.</summary>
    /// <param name="now">The clock's timestamp.</param>
    public void Beat(long now)
    {
        if (Volatile.Read(ref _closeBy) is var closeBy and not 0)
        {
            if (now >= closeBy)
                _abort();
            return;
        }

        var receivedAt = Volatile.Read(ref _receivedAt);
        var silence = _time.GetElapsedTime(receivedAt, now);
        if (silence >= _options.HeartbeatInterval + _options.HeartbeatTimeout)
        {
            Close(CloseCode.HeartbeatTimeout, "Heartbeat timeout");
        }
        else if (silence >= _options.HeartbeatInterval && _pingedAt <= receivedAt)
        {
            _pingedAt = now;
            Outbox.TryPost(WireFrame.Encode(new ServerFrame.Ping(_time.GetUtcNow().ToUnixTimeMilliseconds())));
            Outbox.TryPost(WireFrame.Ping);
        }
    }

    /// <returns>False when the connection has ended.</returns>
    private async ValueTask<bool> ReceiveAsync(ReadResult result, Func<ReadOnlyMemory<byte>, ValueTask> receive)
    {
        var received = result.Buffer;
        try
        {
            Volatile.Write(ref _receivedAt, _time.GetTimestamp());
            while (_frames.Read(ref received, out var payload) is var found and not Inbound.Incomplete)
            {
                // What lies here may have waited long behind what the frames before asked for: that is our silence, not the client's.
                Volatile.Write(ref _receivedAt, _time.GetTimestamp());
                switch (found)
                {
                    // A closing connection is read on, so that the close frame is not lost to a reset; what comes is not looked at.
                    case Inbound.Message when Volatile.Read(ref _closeBy) == 0:
                        await receive(payload);
                        break;
                    case Inbound.Ping:
                        PostPong(payload.Span);
                        break;
                    case Inbound.TooLarge:
                        Close(CloseCode.FrameTooLarge, FormattableString.Invariant($"Frame too large (max {_options.FrameBytes} bytes)"));
                        break;
                    case Inbound.NotUtf8:
                        Close(CloseCode.NotUtf8, "Not UTF-8");
                        break;
                    case Inbound.Broken:
                        Close(CloseCode.BrokenFraming, "Broken framing");
                        return false;
                    case Inbound.Close:
                        // It may also have come between the fragments of a message (RFC 6455 §5.4).
                        Close(payload.IsEmpty ? WebSocketCloseStatus.NormalClosure : (WebSocketCloseStatus)BinaryPrimitives.ReadUInt16BigEndian(payload.Span), "");
                        _isClosed = true;
                        return false;
                }
            }

            return !result.IsCompleted;
        }
        finally
        {
            _input.AdvanceTo(received.Start, received.End);
        }
    }

    /// <summary>Waits until the last frame is out and, where the client did not close, until it has seen it: closing a socket with unread bytes resets it.</summary>
    private async Task LingerAsync()
    {
        using var deadline = new CancellationTokenSource(ClosePatience, _time);
        try
        {
            await Outbox.WaitEmptyAsync().WaitAsync(deadline.Token);
            if (_closeBy == 0 || _isClosed)
                return;
            while (await _input.ReadAsync(deadline.Token) is { IsCompleted: false } ignored)
                _input.AdvanceTo(ignored.Buffer.End);
        }
        catch (Exception)
        {
            _abort();
        }
    }

    private bool TryBeginClose(TimeSpan patience) =>
        Interlocked.CompareExchange(ref _closeBy, _time.GetTimestamp() + (long)(patience.TotalSeconds * _time.TimestampFrequency), 0) == 0;

    /// <summary>A pong may answer many pings (RFC 6455 §5.5.3). Two bytes that keep fifty in memory must not gather by the hundred thousand before the outbox is full.</summary>
    private void PostPong(ReadOnlySpan<byte> payload)
    {
        if (Outbox.WaitingPieces < MaxPiecesBeforePong)
            Outbox.TryPost(WireFrame.Pong(payload));
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "Connection {ClientId} ended without a close")]
    private partial void LogEnded(Exception e, string clientId);

    [LoggerMessage(Level = LogLevel.Error, Message = "Connection {ClientId} failed")]
    private partial void LogFailed(Exception e, string clientId);
}
