using System.Collections.Concurrent;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;

namespace OrleansChat.Chaos;

/// <summary>One WebSocket to a front: frames as they come, and requests answered by id.</summary>
internal sealed class Connection : IAsyncDisposable
{
    private static readonly TimeSpan OpenLimit = TimeSpan.FromSeconds(8);

    private readonly ClientWebSocket _socket = new();
    private readonly SemaphoreSlim _sending = new(1, 1);
    private readonly ConcurrentDictionary<string, TaskCompletionSource<JsonElement>> _asked = new(StringComparer.Ordinal);
    private readonly Action<JsonElement> _onFrame;
    private Task<int> _reading = Task.FromResult(0);

    private Connection(Action<JsonElement> onFrame) => _onFrame = onFrame;

    /// <summary>Ends with the connection; gives the close code, 0 where it broke without one.</summary>
    public Task<int> Ended => _reading;

    /// <summary>Connects.</summary>
    /// <param name="front">Where.</param>
    /// <param name="token">Whose.</param>
    /// <param name="onFrame">Gets every frame, one after the other.</param>
    /// <param name="cancellation">Ends the attempt.</param>
    /// <exception cref="ConnectionLostException">Refused, or nobody there.</exception>
    public static async Task<Connection> OpenAsync(Uri front, string token, Action<JsonElement> onFrame, CancellationToken cancellation)
    {
        var connection = new Connection(onFrame);
        connection._socket.Options.KeepAliveInterval = TimeSpan.Zero;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(OpenLimit);
        try
        {
            await connection._socket.ConnectAsync(new Uri($"ws://{front.Authority}/ws?token={token}"), limit.Token);
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException && !cancellation.IsCancellationRequested)
        {
            connection._socket.Dispose();
            throw new ConnectionLostException(e);
        }

        connection._reading = connection.ReadAsync();
        return connection;
    }

    /// <summary>Sends a request and waits for the frame that carries its id.</summary>
    /// <exception cref="ConnectionLostException">The connection ended first.</exception>
    /// <exception cref="TimeoutException">No answer within the limit.</exception>
    public async Task<JsonElement> AskAsync(string id, string json, TimeSpan limit, CancellationToken cancellation)
    {
        // Asked twice at once under one id, the first answer is both's.
        var answer = _asked.GetOrAdd(id, _ => new TaskCompletionSource<JsonElement>(TaskCreationOptions.RunContinuationsAsynchronously));
        try
        {
            await SendAsync(json, cancellation);
            if (await Task.WhenAny(answer.Task, _reading).WaitAsync(limit, cancellation) == _reading && !answer.Task.IsCompleted)
                throw new ConnectionLostException(inner: null);
            return await answer.Task;
        }
        finally
        {
            _asked.TryRemove(new KeyValuePair<string, TaskCompletionSource<JsonElement>>(id, answer));
        }
    }

    /// <summary>Cuts it: no close frame.</summary>
    public void Abort() => _socket.Abort();

    public async ValueTask DisposeAsync()
    {
        _socket.Abort();
        await _reading;
        _socket.Dispose();
    }

    private async Task SendAsync(string json, CancellationToken cancellation)
    {
        await _sending.WaitAsync(cancellation);
        try
        {
            await _socket.SendAsync(Encoding.UTF8.GetBytes(json), WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None);
        }
        catch (Exception e) when (e is WebSocketException or ObjectDisposedException or InvalidOperationException or OperationCanceledException)
        {
            throw new ConnectionLostException(e);
        }
        finally
        {
            _sending.Release();
        }
    }

    private async Task<int> ReadAsync()
    {
        var buffer = new byte[16_384];
        var message = new MemoryStream();
        try
        {
            while (await _socket.ReceiveAsync(buffer.AsMemory(), CancellationToken.None) is { MessageType: not WebSocketMessageType.Close } part)
            {
                message.Write(buffer, 0, part.Count);
                if (!part.EndOfMessage)
                    continue;
                OnFrame(JsonElement.Parse(message.ToArray()));
                message.SetLength(0);
            }

            return _socket.CloseStatus is { } code ? (int)code : 0;
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException or ObjectDisposedException)
        {
            return 0;
        }
        finally
        {
            _socket.Abort();
        }
    }

    private void OnFrame(JsonElement frame)
    {
        _onFrame(frame);
        if (frame.TryGetProperty("id", out var id) && id.GetString() is { } name && _asked.TryGetValue(name, out var answer))
            answer.TrySetResult(frame);
    }
}

/// <summary>The connection is gone, or could not be made: what was asked may have been done.</summary>
internal sealed class ConnectionLostException(Exception? inner) : Exception("The connection was lost.", inner);
