using System.Buffers;
using System.Net.Sockets;
using System.Net.WebSockets;
using Microsoft.AspNetCore.Connections;
using OrleansChat.WebFront.Frames;

namespace OrleansChat.WebFront.Sockets;

/// <summary>
/// One WebSocket: receive loop, heartbeat, close; bytes only. The framework's <see cref="WebSocket"/> does the framing of what comes in; what goes out is the
/// <see cref="Outbox"/>'s. An idle connection waits in one zero-byte read and holds no timer and no buffer.
/// </summary>
internal sealed partial class Connection
{
    private const int FirstBuffer = 1_024;
    private const int MaxPiecesBeforePong = 4_096;

    /// <summary>How long a client may take to answer a close frame.</summary>
    private static readonly TimeSpan ClosePatience = TimeSpan.FromSeconds(5);

    /// <summary>How long a slow consumer may take to read up to its close frame.</summary>
    private static readonly TimeSpan SlowConsumerPatience = TimeSpan.FromSeconds(30);

    private readonly FrontOptions _options;
    private readonly TimeProvider _time;
    private readonly Stream _stream;
    private readonly Socket? _plainSocket;
    private readonly Action _abort;
    private readonly ILogger _logger;
    private readonly Lock _closing = new();
    private long _receivedAt;
    private long _pingedAt;
    private long _closeBy;
    private bool _isClosed;

    /// <param name="clientId">Names the connection in frames and logs.</param>
    /// <param name="stream">The upgraded stream.</param>
    /// <param name="plainSocket">The socket below it; null where TLS or HTTP/2 lies between.</param>
    /// <param name="abort">Tears the connection down; the stream's reads fail after it.</param>
    /// <param name="flusher">Writes what is posted.</param>
    /// <param name="options">Limits.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">The log.</param>
    public Connection(string clientId, Stream stream, Socket? plainSocket, Action abort, Flusher flusher, FrontOptions options, TimeProvider time, ILogger logger)
    {
        (ClientId, _stream, _plainSocket, _abort, _options, _time, _logger) = (clientId, stream, plainSocket, abort, options, time, logger);
        _receivedAt = time.GetTimestamp();
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
            await _stream.WriteAsync(first);
            await _stream.FlushAsync();
            if (_plainSocket is not null)
                _plainSocket.Blocking = false;
            Outbox.Start(new SocketWriter(_stream, _plainSocket));
            await ReceiveAsync(receive);
        }
        catch (Exception e) when (e is WebSocketException or IOException or OperationCanceledException or SocketException or ObjectDisposedException or ConnectionAbortedException)
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

    private async Task ReceiveAsync(Func<ReadOnlyMemory<byte>, ValueTask> receive)
    {
        var inbound = new InboundStream(_stream, OnReceived, OnControlFrame);
        using var socket = WebSocket.CreateFromStream(inbound, new WebSocketCreationOptions { IsServer = true, KeepAliveInterval = Timeout.InfiniteTimeSpan });
        while (socket.State == WebSocketState.Open)
        {
            var result = await socket.ReceiveAsync(Memory<byte>.Empty, CancellationToken.None);
            if (result.MessageType != WebSocketMessageType.Close)
                await ReceiveMessageAsync(socket, result, receive);
        }

        // The client's close: it may also have come between the fragments of a message (RFC 6455 §5.4).
        AnswerClose(socket);
        _isClosed = true;
    }

    private async ValueTask ReceiveMessageAsync(WebSocket socket, ValueWebSocketReceiveResult result, Func<ReadOnlyMemory<byte>, ValueTask> receive)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(FirstBuffer);
        try
        {
            var length = 0;
            while (!result.EndOfMessage)
            {
                if (length > _options.FrameBytes)
                {
                    Close(CloseCode.FrameTooLarge, FormattableString.Invariant($"Frame too large (max {_options.FrameBytes} bytes)"));
                    length = 0;
                }

                if (length == buffer.Length)
                    buffer = Grow(buffer);
                // The framework fills what it is given before it returns: one byte over the limit has to be enough.
                result = await socket.ReceiveAsync(buffer.AsMemory(length, Math.Min(buffer.Length, _options.FrameBytes + 1) - length), CancellationToken.None);
                if (result.MessageType == WebSocketMessageType.Close)
                    return;
                length += result.Count;
            }

            if (length > _options.FrameBytes)
                Close(CloseCode.FrameTooLarge, FormattableString.Invariant($"Frame too large (max {_options.FrameBytes} bytes)"));
            else if (result.MessageType == WebSocketMessageType.Binary && !System.Text.Unicode.Utf8.IsValid(buffer.AsSpan(0, length)))
                Close(CloseCode.NotUtf8, "Not UTF-8");

            // A closing connection is read on, so that the close frame is not lost to a reset; what comes is not looked at.
            if (Volatile.Read(ref _closeBy) == 0)
                await receive(buffer.AsMemory(0, length));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static byte[] Grow(byte[] buffer)
    {
        var larger = ArrayPool<byte>.Shared.Rent(buffer.Length * 4);
        buffer.CopyTo(larger, 0);
        ArrayPool<byte>.Shared.Return(buffer);
        return larger;
    }

    private void AnswerClose(WebSocket socket)
    {
        if (!TryBeginClose(ClosePatience))
            return;
        Outbox.Complete(WireFrame.Close(socket.CloseStatus ?? WebSocketCloseStatus.NormalClosure, ""));
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
            var ignored = new byte[4_096];
            while (await _stream.ReadAsync(ignored, deadline.Token) > 0)
            {
            }
        }
        catch (Exception)
        {
            _abort();
        }
    }

    private bool TryBeginClose(TimeSpan patience)
    {
        lock (_closing)
        {
            if (_closeBy != 0)
                return false;
            Volatile.Write(ref _closeBy, _time.GetTimestamp() + (long)(patience.TotalSeconds * _time.TimestampFrequency));
            return true;
        }
    }

    private void OnReceived() => Volatile.Write(ref _receivedAt, _time.GetTimestamp());

    /// <summary>A pong, or the close frame with which the framework answers broken framing (1002) or text that is not UTF-8 (1007).</summary>
    private void OnControlFrame(ReadOnlyMemory<byte> frame)
    {
        const byte closeOpcode = 0x8;
        if ((frame.Span[0] & 0xF) != closeOpcode)
            PostPong(frame);
        else if (TryBeginClose(ClosePatience))
            Outbox.Complete(frame);
    }

    /// <summary>A pong may answer many pings (RFC 6455 §5.5.3). Two bytes that keep fifty in memory must not gather by the hundred thousand before the outbox is full.</summary>
    private void PostPong(ReadOnlyMemory<byte> frame)
    {
        if (Outbox.WaitingPieces < MaxPiecesBeforePong)
            Outbox.TryPost(frame);
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "Connection {ClientId} ended without a close")]
    private partial void LogEnded(Exception e, string clientId);

    [LoggerMessage(Level = LogLevel.Error, Message = "Connection {ClientId} failed")]
    private partial void LogFailed(Exception e, string clientId);
}
