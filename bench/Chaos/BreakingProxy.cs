using System.Net;
using System.Net.WebSockets;
using System.Text;

namespace OrleansChat.Chaos;

/// <summary>A WebSocket proxy before one front, through which every frame passes a <see cref="FrameBreaker"/>.</summary>
internal sealed class BreakingProxy(Uri front, Uri address, FrameBreaker breaker)
{
    public Uri Address => address;

    public async Task RunAsync(CancellationToken stop)
    {
        using var listener = new HttpListener();
        listener.Prefixes.Add(address.ToString());
        listener.Start();
        await using var stopping = stop.UnsafeRegister(state => ((HttpListener)state!).Stop(), listener);
        try
        {
            while (true)
                _ = HandOnAsync(await listener.GetContextAsync(), stop);
        }
        catch (Exception e) when (e is HttpListenerException or ObjectDisposedException or InvalidOperationException && stop.IsCancellationRequested)
        {
            // The run is over.
        }
    }

    private async Task HandOnAsync(HttpListenerContext context, CancellationToken stop)
    {
        using var server = new ClientWebSocket();
        try
        {
            await server.ConnectAsync(new Uri($"ws://{front.Authority}{context.Request.RawUrl}"), stop);
        }
        catch (WebSocketException)
        {
            context.Response.StatusCode = 503;
            context.Response.Close();
            return;
        }

        using var client = (await context.AcceptWebSocketAsync(subProtocol: null)).WebSocket;
        using var toClient = new SemaphoreSlim(1, 1);
        var ends = new[] { ReadAsync(client, text => ToFrontAsync(text, server, client, toClient, stop), stop), PassBackAsync(server, client, toClient, stop) };
        await Task.WhenAny(ends);
        server.Abort();
        client.Abort();
        await Task.WhenAll(ends);
    }

    private Task PassBackAsync(ClientWebSocket server, WebSocket client, SemaphoreSlim toClient, CancellationToken stop)
    {
        string? held = null;
        return ReadAsync(server, text => SendAsync(client, breaker.ToClient(text, ref held), toClient, stop), stop);
    }

    private async Task ToFrontAsync(string text, ClientWebSocket server, WebSocket client, SemaphoreSlim toClient, CancellationToken stop)
    {
        var (onward, back) = breaker.ToFront(text);
        foreach (var frame in onward)
            await server.SendAsync(Encoding.UTF8.GetBytes(frame), WebSocketMessageType.Text, endOfMessage: true, stop);
        await SendAsync(client, back, toClient, stop);
    }

    private static async Task SendAsync(WebSocket client, string[] frames, SemaphoreSlim toClient, CancellationToken stop)
    {
        await toClient.WaitAsync(stop);
        try
        {
            foreach (var frame in frames)
                await client.SendAsync(Encoding.UTF8.GetBytes(frame), WebSocketMessageType.Text, endOfMessage: true, stop);
        }
        finally
        {
            toClient.Release();
        }
    }

    private static async Task ReadAsync(WebSocket socket, Func<string, Task> take, CancellationToken stop)
    {
        var buffer = new byte[16_384];
        var message = new MemoryStream();
        try
        {
            while (await socket.ReceiveAsync(buffer.AsMemory(), stop) is { MessageType: not WebSocketMessageType.Close } part)
            {
                message.Write(buffer, 0, part.Count);
                if (!part.EndOfMessage)
                    continue;
                await take(Encoding.UTF8.GetString(message.ToArray()));
                message.SetLength(0);
            }
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException or ObjectDisposedException or InvalidOperationException)
        {
            // Either side is gone: so is the other.
        }
    }
}
