using System.Net;
using System.Net.Sockets;

namespace OrleansChat.Tests.Logs;

/// <summary>
/// A TCP proxy on 127.0.0.1 that reads a connection no further than a request it was told of, lets one answer come back, and then ends the connection: what its
/// client had still to send goes over the next one, to where a Redis stands that was started meanwhile.
/// </summary>
internal sealed class StallingProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _closed = new();
    private readonly TaskCompletionSource _stalled = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly int _first;
    private readonly int _then;
    private readonly byte[] _request;
    private readonly byte[] _answer;
    private readonly Task _accepting;

    public StallingProxy(int first, int then, byte[] request, byte[] answer)
    {
        (_first, _then, _request, _answer) = (first, then, request, answer);
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Ends when the connection was ended.</summary>
    public Task Stalled => _stalled.Task;

    public async ValueTask DisposeAsync()
    {
        await _closed.CancelAsync();
        _listener.Dispose();
        await _accepting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _closed.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (true)
            _ = HandOnAsync(await _listener.AcceptTcpClientAsync(_closed.Token), _closed.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task HandOnAsync(TcpClient client, CancellationToken closed)
    {
        using (client)
        using (var server = new TcpClient())
        {
            await server.ConnectAsync(IPAddress.Loopback, _stalled.Task.IsCompleted ? _then : _first, closed);
            var answered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var requests = CopyRequestsAsync(client.GetStream(), server.GetStream(), closed);
            var answers = CopyAnswersAsync(server.GetStream(), client.GetStream(), answered, closed);
            if (await Task.WhenAny(requests, answers) != requests || !await requests)
                return;

            await answered.Task.WaitAsync(closed);
            _stalled.TrySetResult();
            client.Client.Shutdown(SocketShutdown.Send); // Not closed: a reset could take the answer with it.
            await answers;
        }
    }

    /// <returns>Whether it stopped at the request.</returns>
    private async Task<bool> CopyRequestsAsync(NetworkStream from, NetworkStream to, CancellationToken closed)
    {
        var buffer = new byte[65_536];
        while (await from.ReadAsync(buffer, closed) is var read and > 0)
        {
            await to.WriteAsync(buffer.AsMemory(0, read), closed);
            if (!_stalled.Task.IsCompleted && buffer.AsSpan(0, read).IndexOf(_request) >= 0)
                return true;
        }

        return false;
    }

    private async Task CopyAnswersAsync(NetworkStream from, NetworkStream to, TaskCompletionSource answered, CancellationToken closed)
    {
        var buffer = new byte[65_536];
        while (await from.ReadAsync(buffer, closed) is var read and > 0)
        {
            await to.WriteAsync(buffer.AsMemory(0, read), closed);
            if (buffer.AsSpan(0, read).IndexOf(_answer) >= 0)
                answered.TrySetResult();
        }
    }
}
