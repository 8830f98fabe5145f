using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using OrleansChat.Tests.Support;
using OrleansChat.WebFront;
using OrleansChat.WebFront.Sockets;

namespace OrleansChat.Tests.Sockets;

/// <summary>One WebSocket over a real socket, byte by byte: what comes in, how it ends.</summary>
public sealed class ConnectionTests : IAsyncDisposable
{
    private const int Limit = 2_000;

    private readonly FakeTimeProvider _time = new(DateTimeOffset.UnixEpoch);
    private readonly List<string> _received = [];
    private readonly FrontOptions _options = new() { FrameBytes = Limit, OutboxBytes = 1_000_000 };
    private SocketPair _pair = null!;
    private Connection _connection = null!;
    private Task _run = Task.CompletedTask;
    private Action? _onReceived;

    [Fact]
    public async Task Messages_come_whole_as_text_or_binary_in_one_frame_or_several_and_pings_between_them()
    {
        await OpenAsync();

        await SendAsync(0x81, "hello");
        await SendAsync(0x82, "grüße");
        await SendAsync(0x81, "");
        await SendAsync(0x01, "one ");
        await SendAsync(0x89, "p");
        await SendAsync(0x00, new string('x', Limit - 10));
        await SendAsync(0x80, " three");
        await SendAsync(0x81, new string('y', Limit));
        await SendAsync(0x81, "end");

        Assert.Equal([0x8A, 1, (byte)'p'], await _pair.ReadAsync(3, "the ping is answered"));
        Assert.Equal(Encoding.UTF8.GetBytes("\u0081\u0003end")[^3..], await _pair.ReadAsync(3, "the last message is echoed"));
        Assert.Equal(["hello", "grüße", "", $"one {new string('x', Limit - 10)} three", new string('y', Limit), "end"], _received);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_message_over_the_limit_closes_with_1009_and_is_not_looked_at(bool inFragments)
    {
        await OpenAsync();

        for (var i = 0; inFragments && i < 5; i++)
            await SendAsync(i == 0 ? (byte)0x01 : (byte)0x00, new string('x', Limit / 2));
        await SendAsync(inFragments ? (byte)0x80 : (byte)0x81, new string('x', Limit + 1));
        await SendAsync(0x81, "more");

        await ExpectCloseAsync(1009, "Frame too large (max 2000 bytes)");
        await AnswerAndEndAsync();
        Assert.Empty(_received);
    }

    [Theory]
    [InlineData(0x81)]
    [InlineData(0x82)]
    public async Task What_is_not_utf8_closes_with_1007(byte opcode)
    {
        await OpenAsync();

        await SendAsync(opcode, 0xC3, 0x28);

        Assert.Equal(1007, await CloseCodeAsync());
        _pair.Client.Dispose();
        await _run.Soon("the connection ends");
        Assert.Empty(_received);
    }

    [Theory]
    [InlineData(new byte[] { 0x83, 0x80, 0, 0, 0, 0 })] // an opcode that means nothing
    [InlineData(new byte[] { 0xC1, 0x80, 0, 0, 0, 0 })] // a bit of an extension that was not agreed on
    [InlineData(new byte[] { 0x81, 5, 1, 2, 3, 4, 5 })] // not masked
    [InlineData(new byte[] { 0x80, 0x80, 0, 0, 0, 0 })] // goes on where nothing began
    [InlineData(new byte[] { 0x09, 0x80, 0, 0, 0, 0 })] // a ping in fragments
    public async Task Broken_framing_closes_with_1002(byte[] bytes)
    {
        await OpenAsync();

        await _pair.SendAsync(bytes);

        Assert.Equal(1002, await CloseCodeAsync());
        _pair.Client.Dispose();
        await _run.Soon("the connection ends");
    }

    [Theory]
    [InlineData(new byte[] { }, new byte[] { 0x88, 2, 0x03, 0xE8 })]
    [InlineData(new byte[] { 0x03, 0xE8, (byte)'b', (byte)'y', (byte)'e' }, new byte[] { 0x88, 2, 0x03, 0xE8 })]
    [InlineData(new byte[] { 0x0F, 0xA0 }, new byte[] { 0x88, 2, 0x0F, 0xA0 })]
    public async Task A_client_that_closes_is_answered_with_its_code(byte[] close, byte[] answer)
    {
        await OpenAsync();

        await SendAsync(0x88, close);

        Assert.Equal(answer, await _pair.ReadAsync(answer.Length, "the close is answered"));
        await _run.Soon("the connection ends");
    }

    [Fact]
    public async Task A_close_between_the_fragments_of_a_message_is_answered()
    {
        await OpenAsync();

        await SendAsync(0x01, "begun");
        await SendAsync(0x88, 0x03, 0xE8);

        Assert.Equal([0x88, 2, 0x03, 0xE8], await _pair.ReadAsync(4, "the close is answered"));
        await _run.Soon("the connection ends");
        Assert.Empty(_received);
    }

    [Fact]
    public async Task The_server_closes_once_behind_what_was_posted_and_the_first_reason_is_heard()
    {
        await OpenAsync();
        _connection.Outbox.TryPost("before"u8.ToArray());

        _connection.Close(CloseCode.GoingAway, "bye");
        _connection.Close(CloseCode.InternalError, "later");
        Assert.False(_connection.Outbox.TryPost("after"u8.ToArray()));

        Assert.Equal("before"u8.ToArray(), await _pair.ReadAsync(6, "what was posted arrives"));
        await ExpectCloseAsync(1001, "bye");
        await AnswerAndEndAsync();
    }

    [Fact]
    public async Task A_client_that_does_not_answer_a_close_is_torn_down_after_5_seconds()
    {
        await OpenAsync();
        _connection.Close(CloseCode.Removed, "out");
        await ExpectCloseAsync(4403, "out");

        Beat(TimeSpan.FromSeconds(4.9));
        Assert.False(_run.IsCompleted);
        Beat(TimeSpan.FromSeconds(0.1));

        await _run.Soon("the connection ends");
    }

    [Fact]
    public async Task A_silent_client_is_pinged_once_then_closed_with_4408()
    {
        await OpenAsync();

        Beat(TimeSpan.FromSeconds(29.9));
        Beat(TimeSpan.FromSeconds(0.1));
        Beat(TimeSpan.FromSeconds(5));
        Beat(TimeSpan.FromSeconds(4.9));
        const string Ping = """{"type":"ping","timestamp":30000}""";
        Assert.Equal([0x81, (byte)Ping.Length, .. Encoding.UTF8.GetBytes(Ping), 0x89, 0], await _pair.ReadAsync(Ping.Length + 4, "one ping of each kind arrives"));

        Beat(TimeSpan.FromSeconds(0.1));
        await ExpectCloseAsync(4408, "Heartbeat timeout");
        Beat(TimeSpan.FromSeconds(5));
        await _run.Soon("the connection ends");
    }

    [Fact]
    public async Task A_client_is_not_silent_while_what_it_sent_waits_for_what_it_asked_before()
    {
        await OpenAsync();
        _onReceived = () => _time.Advance(TimeSpan.FromSeconds(25));

        await _pair.SendAsync([0x81, 0x81, 0, 0, 0, 0, (byte)'a', 0x81, 0x84, 0, 0, 0, 0, .. "echo"u8]);
        Assert.Equal("echo"u8.ToArray(), await _pair.ReadAsync(4, "the second is answered, 50 s after both came"));
        _onReceived = null;
        Beat(TimeSpan.FromSeconds(4));

        await SendAsync(0x81, "echo");
        Assert.Equal("echo"u8.ToArray(), await _pair.ReadAsync(4, "nothing but the echo arrives, no ping and no close"));
    }

    [Fact]
    public async Task A_pong_is_a_sign_of_life()
    {
        await OpenAsync();
        Beat(TimeSpan.FromSeconds(30));
        await _pair.ReadAsync(37, "the pings arrive");

        await SendAsync(0x8A, "");
        await SendAsync(0x89, "x");
        await _pair.ReadAsync(3, "what followed the pong was read");
        Beat(TimeSpan.FromSeconds(29));
        await SendAsync(0x81, "echo");
        Assert.Equal("echo"u8.ToArray(), await _pair.ReadAsync(4, "nothing but the echo arrives"));
    }

    [Fact]
    public async Task A_reader_that_stops_is_closed_with_1013_behind_what_was_on_its_way()
    {
        await OpenAsync();
        var (posted, piece) = (0, new byte[10_000]);
        while (_connection.Outbox.TryPost(piece))
            posted++;

        // What waited is dropped; what a write had taken comes first, and how much that is, is the socket's affair.
        var (end, received, buffer) = ("nothing is lost"u8.ToArray(), 0, new byte[100_000]);
        while (!buffer.AsSpan(0, received).EndsWith(end))
        {
            received = await _pair.ClientStream.ReadAsync(buffer, TestContext.Current.CancellationToken).AsTask().Soon("the close frame arrives");
            posted -= received / piece.Length;
        }

        Assert.True(posted >= 0);
        await AnswerAndEndAsync();
    }

    [Fact]
    public async Task A_connection_that_is_closed_while_a_write_is_stuck_ends_all_the_same()
    {
        await OpenAsync();
        _connection.Outbox.TryPost(new byte[20_000_000]);

        _connection.Close(CloseCode.GoingAway, "bye");
        Beat(TimeSpan.FromSeconds(5));

        await _run.Soon("it ends");
        Assert.True(_connection.Outbox.WaitEmptyAsync().IsCompleted);
    }

    [Fact]
    public async Task A_client_that_resets_ends_its_connection()
    {
        await OpenAsync();

        _pair.Client.LingerState = new LingerOption(enable: true, seconds: 0);
        _pair.Client.Dispose();

        await _run.Soon("the connection ends");
        Assert.False(_connection.Outbox.TryPost("x"u8.ToArray()));
    }

    [Fact]
    public async Task A_fault_of_the_server_closes_with_1011()
    {
        await OpenAsync();

        await SendAsync(0x81, "fail");

        await ExpectCloseAsync(1011, "Internal server error");
        _pair.Client.Dispose();
        await _run.Soon("the connection ends");
    }

    public async ValueTask DisposeAsync()
    {
        _connection.Abort();
        _pair.Dispose();
        await _run.Soon("the connection ends with its socket");
    }

    private async Task OpenAsync(params byte[] early)
    {
        _pair = await SocketPair.OpenAsync();
        _connection = new Connection("c", new PolledSocket(_pair.Server, SocketPoller.Shared), early, new Flusher(TimeProvider.System), _options, _time, NullLogger.Instance);
        _connection.Outbox.TryPost("first"u8.ToArray());
        _run = _connection.RunAsync(ReceiveAsync);
        Assert.Equal("first"u8.ToArray(), await _pair.ReadAsync(5, "the first frame arrives"));
    }

    private ValueTask ReceiveAsync(ReadOnlyMemory<byte> message)
    {
        _onReceived?.Invoke();
        var text = Encoding.UTF8.GetString(message.Span);
        _received.Add(text);
        if (text == "fail")
            throw new InvalidOperationException("a fault");
        if (text is "end" or "echo")
            _connection.Outbox.TryPost(Encoding.UTF8.GetBytes(text));
        return ValueTask.CompletedTask;
    }

    private void Beat(TimeSpan later)
    {
        _time.Advance(later);
        _connection.Beat(_time.GetTimestamp());
    }

    private Task SendAsync(byte first, string text) => SendAsync(first, Encoding.UTF8.GetBytes(text));

    /// <summary>A client's frame, masked with zeros.</summary>
    private Task SendAsync(byte first, params byte[] payload)
    {
        byte[] length = payload.Length < 126 ? [(byte)(0x80 | payload.Length)] : [0xFE, (byte)(payload.Length >> 8), (byte)payload.Length];
        return _pair.SendAsync([first, .. length, 0, 0, 0, 0, .. payload]);
    }

    private async Task ExpectCloseAsync(int code, string reason)
    {
        var text = Encoding.UTF8.GetBytes(reason);
        Assert.Equal([0x88, (byte)(2 + text.Length), (byte)(code >> 8), (byte)code, .. text], await _pair.ReadAsync(4 + text.Length, $"the connection is closed with {code}"));
    }

    private async Task<int> CloseCodeAsync()
    {
        var frame = await _pair.ReadAsync(4, "the connection is closed");
        Assert.Equal(0x88, frame[0]);
        return (frame[2] << 8) | frame[3];
    }

    private async Task AnswerAndEndAsync()
    {
        await SendAsync(0x88, 0x03, 0xE8);
        await _run.Soon("the connection ends");
    }
}
