using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using System.Threading.Channels;

namespace OrleansChat.Tests.Support;

/// <summary>One WebSocket, spoken to in literal JSON. Frames are read as they come and wait here to be looked at.</summary>
internal sealed class ChatClient : IAsyncDisposable
{
    private readonly ClientWebSocket _socket;
    private readonly Channel<JsonElement> _frames = Channel.CreateUnbounded<JsonElement>();
    private readonly Task _reading;

    private ChatClient(ClientWebSocket socket)
    {
        _socket = socket;
        _reading = ReadAsync();
    }

    /// <summary>The subprotocol that the server chose.</summary>
    public string? SubProtocol => _socket.SubProtocol;

    /// <summary>Connects to <c>/ws</c>.</summary>
    /// <param name="address">The application's.</param>
    /// <param name="token">Sent as <c>Authorization: Bearer</c>; null: none.</param>
    /// <param name="configure">Headers, subprotocols.</param>
    /// <param name="path">Path and query.</param>
    /// <param name="over">What makes the HTTP request where it is not plain HTTP/1.1.</param>
    /// <exception cref="WebSocketException">The upgrade was refused.</exception>
    public static async Task<ChatClient> ConnectAsync(
        Uri address, string? token, Action<ClientWebSocketOptions>? configure = null, string path = "/ws", HttpMessageInvoker? over = null)
    {
        var socket = new ClientWebSocket();
        socket.Options.KeepAliveInterval = TimeSpan.Zero;
        if (token is not null)
            socket.Options.SetRequestHeader("Authorization", $"Bearer {token}");
        configure?.Invoke(socket.Options);
        var scheme = address.Scheme == Uri.UriSchemeHttps ? Uri.UriSchemeWss : Uri.UriSchemeWs;
        await socket.ConnectAsync(new Uri($"{scheme}://{address.Authority}{path}"), over, TestContext.Current.CancellationToken).Soon("the server answers the upgrade");
        return new ChatClient(socket);
    }

    public Task SendAsync(string json) => SendAsync(Encoding.UTF8.GetBytes(json), WebSocketMessageType.Text);

    public Task SendAsync(byte[] message, WebSocketMessageType type) => _socket.SendAsync(message, type, endOfMessage: true, TestContext.Current.CancellationToken);

    /// <summary>Joins a room and reads <c>room_joined</c>.</summary>
    public async Task<JsonElement> JoinAsync(string room)
    {
        await SendAsync($$$"""{"type":"join_room","id":"join","payload":{"room":"{{{room}}}"}}""");
        return await ExpectAsync($$"""{"type":"room_joined","id":"join","room":"{{room}}","members":"*","seq":"*","epoch":"*"}""");
    }

    /// <summary>Publishes with an id and waits for the <c>ack</c>, passing over the rest.</summary>
    public async Task<JsonElement> PublishAsync(string room, string id, string message)
    {
        await SendAsync($$$"""{"type":"chat_message","id":"{{{id}}}","payload":{"room":"{{{room}}}","message":"{{{message}}}"}}""");
        return await UntilAsync($$"""{"type":"ack","id":"{{id}}","room":"{{room}}","seq":"*","timestamp":"*"}""");
    }

    /// <summary>The next frame, whatever it is.</summary>
    public async Task<JsonElement> NextAsync(string what = "a frame arrives") => await _frames.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().Soon(what);

    /// <summary>The next frame has to be this one.</summary>
    /// <param name="frame">JSON; the string <c>"*"</c> stands for any value. Every property has to be named, in any order.</param>
    public async Task<JsonElement> ExpectAsync(string frame)
    {
        var next = await NextAsync($"this frame arrives: {frame}");
        Assert.True(JsonPattern.Matches(frame, next), $"Expected {frame}\nGot      {next.GetRawText()}");
        return next;
    }

    /// <summary>Passes over frames until this one.</summary>
    /// <inheritdoc cref="ExpectAsync" path="/param"/>
    public async Task<JsonElement> UntilAsync(string frame)
    {
        var passed = new List<string>();
        while (true)
        {
            var next = await NextAsync($"this frame arrives: {frame} (passed over: {string.Join(' ', passed.TakeLast(10))})");
            if (JsonPattern.Matches(frame, next))
                return next;
            passed.Add(next.GetRawText());
        }
    }

    /// <summary>All frames that were sent before the answer to a <c>ping</c>: shows that nothing else came.</summary>
    public async Task<List<JsonElement>> AllUntilPongAsync()
    {
        var id = Guid.NewGuid().ToString("N");
        await SendAsync($$"""{"type":"ping","id":"{{id}}"}""");
        var all = new List<JsonElement>();
        while (await NextAsync("the server answers ping") is var next && !JsonPattern.Matches($$"""{"type":"pong","id":"{{id}}","timestamp":"*"}""", next))
            all.Add(next);
        return all;
    }

    /// <summary>Waits for the server's close.</summary>
    /// <returns>Its code and reason; code 0 where the connection broke without one.</returns>
    public async Task<(int Code, string? Reason)> ClosedAsync()
    {
        await _reading.Soon("the server closes the connection");
        return (_socket.CloseStatus is { } code ? (int)code : 0, _socket.CloseStatusDescription);
    }

    /// <summary>Closes as a client should, and waits for the answer.</summary>
    public async Task CloseAsync()
    {
        await _socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, "", TestContext.Current.CancellationToken);
        await _reading.Soon("the server answers the close");
    }

    /// <summary>Cuts the connection: no close frame.</summary>
    public void Abort() => _socket.Abort();

    public async ValueTask DisposeAsync()
    {
        _socket.Abort();
        await _reading;
        _socket.Dispose();
    }

    private async Task ReadAsync()
    {
        var buffer = new byte[4_096];
        var message = new MemoryStream();
        try
        {
            while (await _socket.ReceiveAsync(buffer.AsMemory(), CancellationToken.None) is { MessageType: not WebSocketMessageType.Close } part)
            {
                message.Write(buffer, 0, part.Count);
                if (!part.EndOfMessage)
                    continue;
                Assert.Equal(WebSocketMessageType.Text, part.MessageType);
                _frames.Writer.TryWrite(JsonElement.Parse(message.ToArray()));
                message.SetLength(0);
            }

            if (_socket.State == WebSocketState.CloseReceived)
                await _socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, "", CancellationToken.None);
            _frames.Writer.TryComplete();
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException or ObjectDisposedException)
        {
            _frames.Writer.TryComplete(e);
        }
    }
}
