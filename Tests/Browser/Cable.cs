using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using OrleansChat.Tests.Support;

namespace OrleansChat.Tests.Browser;

/// <summary>What lies between one person's page and the server: a TCP proxy that a test unplugs. The browser's own offline mode leaves open WebSockets alone.</summary>
internal sealed class Cable : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _ended = new();
    private readonly ConcurrentDictionary<TcpClient, bool> _open = [];
    private readonly int _target;
    private readonly Task _accepting;
    private volatile bool _isUnplugged;

    public Cable(Uri server)
    {
        _target = server.Port;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    /// <summary>What the page is opened at.</summary>
    public Uri Address => new($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");

    /// <summary>Resets every connection, and each one that is tried until <see cref="Plug"/>.</summary>
    public void Unplug()
    {
        _isUnplugged = true;
        foreach (var client in _open.Keys)
            Reset(client);
    }

    public void Plug() => _isUnplugged = false;

    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync();
        _listener.Dispose();
        await _accepting.Soon("the cable ends");
        _ended.Dispose();
    }

    private void Reset(TcpClient client)
    {
        if (!_open.TryRemove(client, out _))
            return;
        client.LingerState = new LingerOption(true, 0);
        client.Dispose();
    }

    private async Task AcceptAsync()
    {
        var carried = new List<Task>();
        try
        {
            while (true)
                carried.Add(CarryAsync(await _listener.AcceptTcpClientAsync(_ended.Token)));
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            await Task.WhenAll(carried);
        }
    }

    private async Task CarryAsync(TcpClient client)
    {
        using var server = new TcpClient();
        using var over = CancellationTokenSource.CreateLinkedTokenSource(_ended.Token);
        _open[client] = true;
        try
        {
            if (_isUnplugged)
                return;
            await server.ConnectAsync(IPAddress.Loopback, _target, over.Token);
            await Task.WhenAny(
                client.GetStream().CopyToAsync(server.GetStream(), over.Token),
                server.GetStream().CopyToAsync(client.GetStream(), over.Token));
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or IOException or ObjectDisposedException or InvalidOperationException)
        {
            // Unplugged, or one side is gone.
        }
        finally
        {
            await over.CancelAsync();
            Reset(client);
        }
    }
}
