using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging.Abstractions;
using OrleansChat.Tests.Support;
using OrleansChat.WebFront.Sockets;

namespace OrleansChat.Tests.Sockets;

/// <summary>What Kestrel may expect of a TCP connection, and how its socket goes on without Kestrel.</summary>
public sealed class TcpConnectionTests : IAsyncDisposable
{
    private readonly Socket _client = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private IConnectionListener _listener = null!;
    private TcpConnection _connection = null!;

    private PipeReader Input => _connection.Transport.Input;

    private PipeWriter Output => _connection.Transport.Output;

    [Fact]
    public async Task What_the_client_sends_is_read_and_what_is_written_arrives_also_after_it_has_finished_sending()
    {
        await OpenAsync();
        await SendAsync("question");
        Assert.Equal("question", await ReadAsync());

        _client.Shutdown(SocketShutdown.Send);
        Assert.True((await Input.ReadAsync(Cancelled).AsTask().Soon("the end is read")).IsCompleted);
        await WriteAsync("answer");

        Assert.Equal("answer", await ReceiveAsync());
        Assert.False(_connection.ConnectionClosed.IsCancellationRequested);
    }

    /// <summary>Kestrel's timeouts and its shutdown end a read so.</summary>
    [Fact]
    public async Task A_read_is_cancelled_and_the_next_one_reads_on()
    {
        await OpenAsync();
        var reading = Input.ReadAsync(Cancelled).AsTask();
        Input.CancelPendingRead();
        Assert.True((await reading.Soon("the read is cancelled")).IsCanceled);
        Input.AdvanceTo(default);

        await SendAsync("later");
        Assert.Equal("later", await ReadAsync());
    }

    [Fact]
    public async Task A_client_that_resets_ends_a_read_with_a_reset_and_Kestrel_hears_that_it_is_gone()
    {
        await OpenAsync();
        var reading = Input.ReadAsync(Cancelled).AsTask();
        Reset();
        await Assert.ThrowsAsync<ConnectionResetException>(() => reading.Soon("the read ends"));
        await ClosedAsync();
    }

    /// <summary>Kestrel would log it as an error of its own.</summary>
    [Fact]
    public async Task A_write_to_a_client_that_is_gone_does_not_throw_and_Kestrel_hears_of_it()
    {
        await OpenAsync();
        Reset();
        while (!_connection.ConnectionClosed.IsCancellationRequested)
            await WriteAsync(new string('x', 100_000));
        await WriteAsync("once more");
    }

    [Fact]
    public async Task Kestrel_tears_it_down_reads_end_with_its_reason_and_the_client_sees_the_end()
    {
        await OpenAsync();
        var reading = Input.ReadAsync(Cancelled).AsTask();
        _connection.Abort(new ConnectionAbortedException("too slow"));

        Assert.Equal("too slow", (await Assert.ThrowsAsync<ConnectionAbortedException>(() => reading.Soon("the read ends"))).Message);
        await ClosedAsync();
        Assert.Equal("", await ReceiveAsync());
        await _connection.DisposeAsync();
    }

    [Fact]
    public async Task When_Kestrel_lets_go_the_socket_is_closed()
    {
        await OpenAsync();
        await _connection.DisposeAsync().AsTask().Soon("the connection ends");
        Assert.Equal("", await ReceiveAsync());
        Assert.Throws<ObjectDisposedException>(() => _connection.Socket.Available);
    }

    /// <summary>Closing with unread bytes resets the connection, and a reset discards what the client has not read.</summary>
    [Fact]
    public async Task The_last_answer_reaches_a_client_that_still_sends()
    {
        await OpenAsync();
        await SendAsync(new string('x', 50_000));
        await WriteAsync("refused");
        var end = _connection.DisposeAsync().AsTask();
        Assert.Equal("refused", await ReceiveAsync());
        await SendAsync("and more");
        Assert.Equal("", await ReceiveAsync());
        _client.Dispose();
        await end.Soon("the connection ends");
    }

    [Fact]
    public async Task A_socket_that_is_handed_over_stays_open_with_what_was_read_and_is_not_Kestrels_any_more()
    {
        await OpenAsync();
        var next = HandOver();
        await SendAsync("request|early");
        var read = await Input.ReadAsync(Cancelled).AsTask().Soon("the request is read");
        Input.AdvanceTo(read.Buffer.GetPosition("request|".Length));
        Assert.False(next.IsCompleted);

        await _connection.DisposeAsync();
        var (socket, early, _) = await next.Soon("the socket is handed over");
        _connection.Abort(new ConnectionAbortedException("a timeout of the request that is over"));

        Assert.Equal("early", Encoding.ASCII.GetString(early));
        await SendAsync("late");
        var buffer = new byte[10];
        await socket.WaitAsync(Cancelled).AsTask().Soon("what follows arrives");
        Assert.Equal(4, socket.Receive(buffer));
        await socket.Socket.SendAsync("answer"u8.ToArray(), SocketFlags.None, Cancelled);
        Assert.Equal("answer", await ReceiveAsync());
        Assert.False(_connection.ConnectionClosed.IsCancellationRequested);
        socket.Dispose();
    }

    [Fact]
    public async Task What_is_held_back_is_not_written_and_handed_over()
    {
        await OpenAsync();
        await WriteAsync("before");
        _connection.HoldBack();
        await WriteAsync("101 ");
        await WriteAsync("Switching");
        var next = HandOver();
        await _connection.DisposeAsync();
        var (socket, _, answer) = await next.Soon("the socket is handed over");

        Assert.Equal("101 Switching", Encoding.ASCII.GetString(answer));
        socket.Dispose();
        Assert.Equal("before", await ReceiveAsync());
        Assert.Equal("", await ReceiveAsync());
    }

    [Fact]
    public async Task What_goes_on_with_a_socket_hears_also_of_one_that_was_torn_down_or_else_nobody_would_count_it_out()
    {
        await OpenAsync();
        var next = HandOver();
        _connection.Abort(new ConnectionAbortedException("the server stops"));
        await _connection.DisposeAsync();
        var (socket, early, _) = await next.Soon("the socket is handed over");
        Assert.Empty(early);
        Assert.Throws<ObjectDisposedException>(() => socket.Receive([]));
    }

    /// <summary>What the request brought along (scopes of logs, the current activity) must not live as long as the connection.</summary>
    [Fact]
    public async Task What_goes_on_with_a_socket_runs_outside_of_the_requests_context()
    {
        var ofRequest = new AsyncLocal<string> { Value = "request" };
        await OpenAsync();
        var seen = new TaskCompletionSource<string?>(TaskCreationOptions.RunContinuationsAsynchronously);
        _connection.HandOver(remains =>
        {
            remains.Socket.Dispose();
            seen.SetResult(ofRequest.Value);
        });
        await _connection.DisposeAsync();
        Assert.Null(await seen.Task.Soon("the socket is handed over"));
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _connection.DisposeAsync();
        await _listener.DisposeAsync();
    }

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private async Task OpenAsync()
    {
        _listener = await new TcpTransport(TimeProvider.System, NullLogger<TcpTransport>.Instance).BindAsync(new IPEndPoint(IPAddress.Loopback, 0), Cancelled);
        await _client.ConnectAsync(_listener.EndPoint, Cancelled);
        _connection = Assert.IsType<TcpConnection>(await _listener.AcceptAsync(Cancelled).AsTask().Soon("the connection is taken"));
    }

    private Task<Remains> HandOver()
    {
        var next = new TaskCompletionSource<Remains>(TaskCreationOptions.RunContinuationsAsynchronously);
        _connection.HandOver(next.SetResult);
        return next.Task;
    }

    private Task<int> SendAsync(string text) => _client.SendAsync(Encoding.ASCII.GetBytes(text), SocketFlags.None, Cancelled).AsTask().Soon("the client sends");

    private async Task<string> ReceiveAsync()
    {
        var buffer = new byte[1_000];
        return Encoding.ASCII.GetString(buffer, 0, await _client.ReceiveAsync(buffer, SocketFlags.None, Cancelled).AsTask().Soon("something arrives, or the end"));
    }

    private async Task<string> ReadAsync()
    {
        var read = await Input.ReadAsync(Cancelled).AsTask().Soon("something is read");
        var text = Encoding.ASCII.GetString(read.Buffer);
        Input.AdvanceTo(read.Buffer.End);
        return text;
    }

    private Task<FlushResult> WriteAsync(string text) => Output.WriteAsync(Encoding.ASCII.GetBytes(text), Cancelled).AsTask().Soon("the write ends");

    private void Reset()
    {
        _client.LingerState = new LingerOption(enable: true, seconds: 0);
        _client.Dispose();
    }

    private async Task ClosedAsync()
    {
        var closed = new TaskCompletionSource();
        await using var registration = _connection.ConnectionClosed.Register(closed.SetResult);
        await closed.Task.Soon("Kestrel is told");
    }
}
