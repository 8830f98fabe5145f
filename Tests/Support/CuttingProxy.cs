using System.Net;
using System.Net.Sockets;

namespace OrleansChat.Tests.Support;

/// <summary>A TCP proxy on 127.0.0.1 that can let a request through and cut the connection where its answer would come back.</summary>
public sealed class CuttingProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _closed = new();
    private readonly int _target;
    private readonly Task _accepting;
    private volatile Cut? _cut;

    /// <summary>Listens on a free port.</summary>
    /// <param name="target">The port on 127.0.0.1 that connections are handed on to.</param>
    public CuttingProxy(int target)
    {
        _target = target;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    /// <summary>Where it listens.</summary>
    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>The answer to the next request that contains these bytes is dropped, and its connection with it. Connections made later work.</summary>
    /// <returns>Ends when that has happened.</returns>
    public Task CutAnswerTo(byte[] request)
    {
        var cut = new Cut(request);
        _cut = cut;
        return cut.Done.Task;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _closed.CancelAsync();
        _listener.Dispose();
        await _accepting.Soon("the proxy ends");
        _closed.Dispose();
    }

    private async Task AcceptAsync()
    {
        var open = new List<Task>();
        try
        {
            while (true)
                open.Add(HandOnAsync(await _listener.AcceptTcpClientAsync(_closed.Token)));
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            await Task.WhenAll(open);
        }
    }

    private async Task HandOnAsync(TcpClient client)
    {
        using (client)
        using (var server = new TcpClient())
        using (var ended = CancellationTokenSource.CreateLinkedTokenSource(_closed.Token))
        {
            try
            {
                await server.ConnectAsync(IPAddress.Loopback, _target, ended.Token);
                var link = new Link();
                await Task.WhenAny(
                    CopyRequestsAsync(client.GetStream(), server.GetStream(), link, ended.Token),
                    CopyAnswersAsync(server.GetStream(), client.GetStream(), link, ended.Token));
            }
            catch (Exception exception) when (exception is OperationCanceledException or SocketException or InvalidOperationException)
            {
                // The target or the client is away, or the proxy is closed: whoever is left finds the connection closed.
            }
            await ended.CancelAsync();
        }
    }

    private Task CopyRequestsAsync(NetworkStream from, NetworkStream to, Link link, CancellationToken ended) => CopyAsync(from, async request =>
    {
        if (_cut is { } cut && request.Span.IndexOf(cut.Request) >= 0)
            (link.Cut, _cut) = (cut, null);
        await to.WriteAsync(request, ended);
        return true;
    }, ended);

    private static Task CopyAnswersAsync(NetworkStream from, NetworkStream to, Link link, CancellationToken ended) => CopyAsync(from, async answer =>
    {
        if (link.Cut is { } cut)
        {
            cut.Done.SetResult();
            return false;
        }
        await to.WriteAsync(answer, ended);
        return true;
    }, ended);

    private static async Task CopyAsync(NetworkStream from, Func<ReadOnlyMemory<byte>, Task<bool>> handOn, CancellationToken ended)
    {
        var buffer = new byte[65_536];
        try
        {
            while (await from.ReadAsync(buffer, ended) is var read and > 0 && await handOn(buffer.AsMemory(0, read)))
            {
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or IOException)
        {
            // Either side closed.
        }
    }

    private sealed class Link
    {
        public volatile Cut? Cut;
    }

    private sealed record Cut(byte[] Request)
    {
        public TaskCompletionSource Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
