using System.Collections.Concurrent;
using System.Net.WebSockets;

// What ASP.NET Core's documentation would write: accept the WebSocket, receive, and send each message to all sockets of the room.
// It is the yardstick of bench/quick.sh, so it is not to be made faster.
var rooms = new ConcurrentDictionary<string, ConcurrentDictionary<WebSocket, SemaphoreSlim>>(StringComparer.Ordinal);

var builder = WebApplication.CreateSlimBuilder(args);
builder.Logging.SetMinimumLevel(LogLevel.Warning);
await using var app = builder.Build();
app.UseWebSockets();
app.Map("/", async context =>
{
    if (!context.WebSockets.IsWebSocketRequest)
    {
        context.Response.StatusCode = StatusCodes.Status400BadRequest;
        return;
    }

    using var socket = await context.WebSockets.AcceptWebSocketAsync();
    var room = rooms.GetOrAdd(context.Request.Query["room"].ToString(), _ => []);
    using var turn = new SemaphoreSlim(1);
    room.TryAdd(socket, turn);
    try
    {
        await EchoAsync(socket, room, context.RequestAborted);
    }
    catch (Exception e) when (e is WebSocketException or OperationCanceledException)
    {
        // The client is gone.
    }
    finally
    {
        room.TryRemove(socket, out _);
    }
});
await app.RunAsync();

static async Task EchoAsync(WebSocket socket, ConcurrentDictionary<WebSocket, SemaphoreSlim> room, CancellationToken ended)
{
    var buffer = new byte[4 * 1024];
    while (await socket.ReceiveAsync(buffer, ended) is { MessageType: not WebSocketMessageType.Close } received)
    {
        var message = buffer.AsMemory(0, received.Count);
        foreach (var (other, turn) in room)
            await SendAsync(other, turn, message, ended);
    }

    await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "", ended);
}

// A WebSocket takes one SendAsync at a time.
static async Task SendAsync(WebSocket socket, SemaphoreSlim turn, ReadOnlyMemory<byte> message, CancellationToken ended)
{
    try
    {
        await turn.WaitAsync(ended);
        try
        {
            await socket.SendAsync(message, WebSocketMessageType.Text, endOfMessage: true, ended);
        }
        finally
        {
            turn.Release();
        }
    }
    catch (Exception e) when (e is WebSocketException or ObjectDisposedException)
    {
        // It has left meanwhile.
    }
}
