using System.Buffers;
using System.Buffers.Binary;
using System.Net.Sockets;
using System.Net.WebSockets;
using Microsoft.AspNetCore.Connections;
using OrleansChat.WebFront.Frames;

namespace OrleansChat.WebFront.Sockets;

/// <summary>
/// One WebSocket: receive loop, heartbeat, close; bytes only. It runs on a plain socket, which it owns, or through the stream of a request where TLS or HTTP/2 lies
/// between. A <see cref="FrameReader"/> takes the messages out of what comes in; what goes out is the <see cref="Outbox"/>'s. An idle connection
/// holds no timer and no buffer.
/// </summary>
internal sealed partial class Connection
{
    private const int MaxPiecesBeforePong = 4_096;

    /// <summary>Bytes read at once. Held while what they ask for is waited for, by as many connections as wait.</summary>
    private const int ReadSize = 4_096;

    /// <summary>After so many without a wait others have their turn: some clients send without end.</summary>
    private const int ReadsInARow = 16;

    /// <summary>How long a client may take to answer a close frame.</summary>
    private static readonly TimeSpan ClosePatience = TimeSpan.FromSeconds(5);

    /// <summary>How long a slow consumer may take to read up to its close frame.</summary>
    private static readonly TimeSpan SlowConsumerPatience = TimeSpan.FromSeconds(30);

    private readonly FrontOptions _options;
    private readonly TimeProvider _time;
    private readonly PolledSocket? _socket;
    private readonly Stream? _stream;
    private readonly SocketReader _reader;
    private readonly Action? _abortRequest;
    private readonly ILogger _logger;
    private FrameReader _frames;
    private byte[] _rest = [];
    private long _receivedAt;
    private long _pingedAt;
    private long _closeBy;
    private bool _isClosed;

    /// <param name="clientId">Names the connection in frames and logs.</param>
    /// <param name="socket">A plain one, on which the answer to the upgrade is written; disposed when the connection ends.</param>
    /// <param name="early">What was already read from it.</param>
    /// <param name="flusher">Writes what is posted.</param>
    /// <param name="options">Limits.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">The log.</param>
    public Connection(string clientId, PolledSocket socket, byte[] early, Flusher flusher, FrontOptions options, TimeProvider time, ILogger logger)
        : this(clientId, flusher, options, time, logger) => (_socket, _reader, _rest) = (socket, new SocketReader(null, socket), early);

    /// <summary>Through a request's <paramref name="stream"/>. <paramref name="abortRequest"/> tears it down; reads fail after it.</summary>
    public Connection(string clientId, Stream stream, Action abortRequest, Flusher flusher, FrontOptions options, TimeProvider time, ILogger logger)
        : this(clientId, flusher, options, time, logger) => (_stream, _reader, _abortRequest) = (stream, new SocketReader(stream, null), abortRequest);

    private Connection(string clientId, Flusher flusher, FrontOptions options, TimeProvider time, ILogger logger)
    {
        (ClientId, _options, _time, _logger) = (clientId, options, time, logger);
        _receivedAt = time.GetTimestamp();
        _frames = new FrameReader(options.FrameBytes);
        Outbox = new Outbox(options.OutboxBytes, flusher)
        {
            Overflowed = () => Close(CloseCode.SlowConsumer, "Slow consumer: join again with since, nothing is lost"),
        };
    }

    public string ClientId { get; }

    public Outbox Outbox { get; }

    /// <summary>Runs the connection to its end. Does not throw. What was posted before goes out first.</summary>
    /// <param name="receive">Takes a message: the bytes of all its fragments, valid until the task ends.</param>
    public async Task RunAsync(Func<ReadOnlyMemory<byte>, ValueTask> receive)
    {
        try
        {
            Outbox.Start(new SocketWriter(_stream, _socket?.Socket));
            var goesOn = _rest.Length == 0 || await TakeAsync(_rest, receive);
            for (var inARow = 1; goesOn; inARow++)
            {
                var waiting = _reader.WaitAsync();
                if (!waiting.IsCompleted)
                    inARow = 0;
                else if (inARow % ReadsInARow == 0)
                    await Task.Yield();
                await waiting;
                goesOn = await ReceiveAsync(receive);
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
        _socket?.Dispose();
    }

    /// <summary>Closes the connection, once: the first reason is the one that the client hears.</summary>
    public void Close(WebSocketCloseStatus code, string reason)
    {
        var slow = code == CloseCode.SlowConsumer;
        if (TryBeginClose(slow ? SlowConsumerPatience : ClosePatience))
            Outbox.Complete(WireFrame.Close(code, reason), dropWaiting: slow);
    }

    /// <summary>Tears the connection down; it ends soon. Does not throw: it may end meanwhile, its request with it.</summary>
    public void Abort()
    {
        try
        {
            _socket?.Dispose();
            _abortRequest?.Invoke();
        }
        catch (Exception e)
        {
            LogEnded(e, ClientId);
        }
    }

    /// <summary>Looks at the clock: pings a silent client, closes a dead one. Called for all connections in turn by <see cref="Heartbeat"/>.</summary>
    /// <param name="now">The clock's timestamp.</param>
    public void Beat(long now)
    {
        if (Volatile.Read(ref _closeBy) is var closeBy and not 0)
        {
            if (now >= closeBy)
                Abort();
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

    /// <summary>Reads what there is.</summary>
    /// <returns>False when the connection has ended.</returns>
    private async ValueTask<bool> ReceiveAsync(Func<ReadOnlyMemory<byte>, ValueTask> receive)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(ReadSize);
        try
        {
            var kept = _rest.Length;
            _rest.CopyTo(buffer.AsSpan());
            var count = await _reader.ReadAsync(buffer.AsMemory(kept));
            return count < 0 || (count > 0 && await TakeAsync(buffer.AsMemory(0, kept + count), receive));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Takes the frames out of what was received, and keeps the begin of one that is not there whole: a header, or a control frame.</summary>
    /// <returns>False when the connection has ended.</returns>
    private async ValueTask<bool> TakeAsync(Memory<byte> received, Func<ReadOnlyMemory<byte>, ValueTask> receive)
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

        _rest = received.ToArray();
        return true;
    }

    /// <summary>Waits until the last frame is out and, where the client did not close, until it has seen it: closing a socket with unread bytes resets it.</summary>
    private async Task LingerAsync()
    {
        using var deadline = new CancellationTokenSource(ClosePatience, _time);
        var ignored = ArrayPool<byte>.Shared.Rent(ReadSize);
        try
        {
            await Outbox.WaitEmptyAsync().WaitAsync(deadline.Token);
            if (_closeBy == 0 || _isClosed)
                return;
            do
                await _reader.WaitAsync(deadline.Token);
            while (await _reader.ReadAsync(ignored) != 0);
        }
        catch (Exception)
        {
            Abort();
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(ignored);
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
