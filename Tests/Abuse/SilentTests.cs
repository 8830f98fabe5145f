using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using OrleansChat.Tests.Support;
using OrleansChat.WebFront;
using OrleansChat.WebFront.Sockets;

namespace OrleansChat.Tests.Abuse;

/// <summary>Clients that do not answer, by the clock: one connection over a real socket, the time in the test's hands.</summary>
public sealed class SilentTests : IAsyncLifetime
{
    private static readonly TimeSpan ClosePatience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan SlowConsumerPatience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(1);

    private readonly FakeTimeProvider _time = new();
    private readonly List<string> _received = [];
    private readonly TaskCompletionSource _heard = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Socket? _server;
    private RawSocket? _client;
    private Connection? _connection;
    private Task _running = Task.CompletedTask;

    private RawSocket Client => _client!;

    private Connection Connection => _connection!;

    public async ValueTask InitializeAsync()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 4_096 };
        await client.ConnectAsync(listener.LocalEndpoint, TestContext.Current.CancellationToken);
        var server = _server = await listener.AcceptSocketAsync(TestContext.Current.CancellationToken);
        server.SendBufferSize = 4_096; // a client that does not read is soon felt
        _client = new RawSocket(client);
        _connection = new Connection("c", new PolledSocket(server, SocketPoller.Shared), [], new Flusher(TimeProvider.System), new FrontOptions(), _time, NullLogger.Instance);
        _running = RunAsync();
        Assert.Equal("first", (await Client.ReadFrameAsync()).Payload);
    }

    public async ValueTask DisposeAsync()
    {
        await Client.DisposeAsync();
        await _running;
        _server!.Dispose();
    }

    [Fact]
    public async Task Who_is_silent_is_pinged_and_then_closed_with_4408_and_cut_when_it_does_not_answer_that_either()
    {
        Beat(TimeSpan.FromSeconds(30) - Moment);
        Beat(Moment);
        Assert.StartsWith("""{"type":"ping",""", (await Client.ReadFrameAsync()).Payload, StringComparison.Ordinal);
        Assert.Equal(RawSocket.Ping, (await Client.ReadFrameAsync()).First);
        Beat(TimeSpan.FromSeconds(10) - Moment);
        Assert.False(_running.IsCompleted);
        Beat(Moment);
        Assert.Equal(4408, (await Client.ClosedAsync()).CloseCode);

        Beat(ClosePatience - Moment);
        Assert.False(_running.IsCompleted);
        Beat(Moment);
        await _running.Soon("the connection is cut");
    }

    [Fact]
    public async Task Who_never_answers_the_close_is_cut_after_five_seconds()
    {
        Connection.Close(CloseCode.PolicyViolation, "Rate limit");
        Assert.Equal(1008, (await Client.ClosedAsync()).CloseCode);
        Beat(ClosePatience - Moment);
        Assert.False(_running.IsCompleted);
        Beat(Moment);
        await _running.Soon("the connection is cut");
    }

    [Fact]
    public async Task Who_floods_while_it_is_closed_is_not_heard_and_cut_after_five_seconds()
    {
        Connection.Close(CloseCode.PolicyViolation, "Rate limit");
        await FloodAsync();
        Assert.Equal(1008, (await Client.ClosedAsync()).CloseCode);
        Beat(ClosePatience);
        await _running.Soon("the connection is cut");
        Assert.Empty(_received);
    }

    [Fact]
    public async Task Who_floods_after_broken_framing_is_not_heard_and_cut_after_five_seconds()
    {
        await Client.SendAsync(Convert.FromHexString("81027B7D"));
        await FloodAsync();
        Assert.Equal(1002, (await Client.ClosedAsync()).CloseCode);
        // Its patience begins where the close frame is out; what was sent is read meanwhile.
        for (var i = 0; i < 1_000 && !_running.IsCompleted; i++)
        {
            _time.Advance(ClosePatience);
            await Task.Yield();
        }

        await _running.Soon("the connection is cut");
        Assert.Empty(_received);
    }

    [Fact]
    public async Task A_slow_consumer_has_thirty_seconds_to_read_up_to_its_close_frame()
    {
        var piece = RawSocket.Frame(RawSocket.Text, new string('m', 8_000)); // only its size matters here
        while (Connection.Outbox.TryPost(piece))
        {
        }

        Beat(SlowConsumerPatience - Moment);
        Assert.False(_running.IsCompleted);
        Beat(Moment);
        await _running.Soon("the connection is cut");
        Assert.False(Connection.Outbox.TryPost(piece));
    }

    [Fact]
    public async Task Pings_whose_pongs_nobody_reads_pile_up_no_crowd_of_pongs()
    {
        // More than the socket takes, and less than the outbox: what is posted from now on waits.
        Assert.True(Connection.Outbox.TryPost(new byte[900_000]));
        const int pings = 100_000;
        await Client.SendAsync([.. Enumerable.Repeat(RawSocket.Frame(RawSocket.Ping, ""), pings).SelectMany(frame => frame)]);
        await Client.SayAsync("heard");
        await _heard.Task.Soon("the server has read all pings");

        Assert.InRange(Connection.Outbox.WaitingPieces, 0, 5_000);
    }

    private Task RunAsync()
    {
        Connection.Outbox.TryPost(new byte[] { RawSocket.Text, 5, (byte)'f', (byte)'i', (byte)'r', (byte)'s', (byte)'t' });
        return Connection.RunAsync(message =>
        {
            _received.Add(System.Text.Encoding.UTF8.GetString(message.Span));
            _heard.TrySetResult();
            return ValueTask.CompletedTask;
        });
    }

    private Task FloodAsync() => Client.SendAsync([.. Enumerable.Repeat(RawSocket.Frame(RawSocket.Text, """{"type":"ping"}"""), 20_000).SelectMany(frame => frame)]);

    private void Beat(TimeSpan later)
    {
        _time.Advance(later);
        Connection.Beat(_time.GetTimestamp());
    }
}
