using System.Text;
using OrleansChat.Tests.Support;

namespace OrleansChat.Tests.Abuse;

/// <summary>Bytes before the upgrade.</summary>
public sealed class HandshakeTests(AbusedRoom room) : IClassFixture<AbusedRoom>
{
    private const string Key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

    [Theory]
    [InlineData("POST /ws HTTP/1.1", Key, "13", "HTTP/1.1 426 ")]
    [InlineData("GET /ws HTTP/1.0", Key, "13", "HTTP/1.1 426 ")]
    [InlineData("GET /ws HTTP/1.1", Key, "12", "HTTP/1.1 426 ")]
    [InlineData("GET /ws HTTP/1.1", Key, "", "HTTP/1.1 426 ")]
    [InlineData("GET /ws HTTP/1.1", "", "13", "HTTP/1.1 426 ")]
    [InlineData("GET /ws HTTP/1.1", "Sec-WebSocket-Key:\r\n", "13", "HTTP/1.1 426 ")]
    [InlineData("GET /ws HTTP/1.1", "Sec-WebSocket-Key: c2hvcnQ=\r\n", "13", "HTTP/1.1 426 ")]
    [InlineData("GET /ws HTTP/1.1", "Sec-WebSocket-Key: no base64 at all, I fear\r\n", "13", "HTTP/1.1 426 ")]
    [InlineData("GET /ws HTTP/1.1", Key + Key, "13", "HTTP/1.1 426 ")]
    [InlineData("GET /ws HTTP/9.9", Key, "13", "HTTP/1.1 505 ")]
    [InlineData("GET / HTTP/1.1", "", "13", "HTTP/1.1 426 ")]
    public async Task A_handshake_that_is_none_is_refused_in_HTTP(string start, string key, string version, string status)
    {
        await using var socket = await RawSocket.ConnectAsync(room.App.Address);
        await socket.SendAsync(RawSocket.Handshake(room.App.Address, room.NewUser(), key, start, version));
        Assert.StartsWith(status, await socket.ReadHeadAsync(), StringComparison.Ordinal);
        await room.IsUndisturbedAsync();
    }

    [Theory]
    [InlineData("16030100C8010000C403030000000000000000")] // TLS where plain HTTP is spoken
    [InlineData("00000000000000000000000D0A0D0A")]
    [InlineData("FFFEFDFC0D0A0D0A")]
    [InlineData("818537FA213D7F9F4D51580D0A0D0A")] // a frame without a handshake
    public async Task Garbage_instead_of_a_request_is_refused_or_cut(string hex)
    {
        await using var socket = await RawSocket.ConnectAsync(room.App.Address);
        await socket.SendAsync(Convert.FromHexString(hex));
        socket.FinishSending();
        Assert.True(await socket.ReadHeadAsync() is "" or ['H', 'T', 'T', 'P', '/', '1', '.', '1', ' ', '4', '0', ..]);
        await room.IsUndisturbedAsync();
    }

    [Theory]
    [InlineData(1, 100_000, "HTTP/1.1 431 ")]
    [InlineData(1_000, 10, "HTTP/1.1 431 ")]
    public async Task Headers_without_measure_are_refused(int lines, int length, string status)
    {
        await using var socket = await RawSocket.ConnectAsync(room.App.Address);
        var more = string.Concat(Enumerable.Range(0, lines).Select(i => $"X-{i}: {new string('x', length)}\r\n"));
        await socket.SendAsync(RawSocket.Handshake(room.App.Address, room.NewUser(), more: more));
        Assert.StartsWith(status, await socket.ReadHeadAsync(), StringComparison.Ordinal);
        await room.IsUndisturbedAsync();
    }

    [Fact]
    public async Task A_handshake_with_a_body_gets_no_frames_out_of_it()
    {
        await using var socket = await RawSocket.ConnectAsync(room.App.Address);
        await socket.SendAsync(RawSocket.Handshake(room.App.Address, room.NewUser(), more: "Content-Length: 5\r\n") + "hello");
        Assert.StartsWith("HTTP/1.1 4", await socket.ReadHeadAsync(), StringComparison.Ordinal);
        await room.IsUndisturbedAsync();
    }

    [Fact]
    public async Task Compression_is_offered_in_vain()
    {
        await using var socket = await RawSocket.ConnectAsync(room.App.Address);
        await socket.SendAsync(RawSocket.Handshake(room.App.Address, room.NewUser(), more: "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"));
        var head = await socket.ReadHeadAsync();
        Assert.StartsWith("HTTP/1.1 101 ", head, StringComparison.Ordinal);
        Assert.Contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n", head, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("Sec-WebSocket-Extensions", head, StringComparison.OrdinalIgnoreCase);
        await room.IsUndisturbedAsync();
    }

    [Fact]
    public async Task A_frame_in_the_handshakes_own_packet_is_not_lost()
    {
        await using var socket = await RawSocket.ConnectAsync(room.App.Address);
        byte[] both = [.. Encoding.ASCII.GetBytes(RawSocket.Handshake(room.App.Address, room.NewUser())), .. RawSocket.Frame(RawSocket.Text, """{"type":"ping","id":"early"}""")];
        await socket.SendAsync(both);
        Assert.StartsWith("HTTP/1.1 101 ", await socket.ReadHeadAsync(), StringComparison.Ordinal);
        Assert.StartsWith("""{"type":"connected",""", (await socket.ReadFrameAsync()).Payload, StringComparison.Ordinal);
        Assert.StartsWith("""{"type":"pong","id":"early",""", (await socket.ReadFrameAsync()).Payload, StringComparison.Ordinal);
        await room.IsUndisturbedAsync();
    }

    [Fact]
    public async Task A_handshake_and_a_frame_byte_by_byte_work()
    {
        await using var socket = await RawSocket.ConnectAsync(room.App.Address);
        foreach (var letter in RawSocket.Handshake(room.App.Address, room.NewUser()))
            await socket.SendAsync([(byte)letter]);
        Assert.StartsWith("HTTP/1.1 101 ", await socket.ReadHeadAsync(), StringComparison.Ordinal);
        foreach (var part in RawSocket.Frame(RawSocket.Text, """{"type":"ping","id":"slow"}"""))
            await socket.SendAsync([part]);
        await socket.UntilAsync("""{"type":"pong","id":"slow",""");
        await room.IsUndisturbedAsync();
    }

    [Fact]
    public async Task A_handshake_that_is_cut_in_the_middle_leaves_nothing()
    {
        var request = RawSocket.Handshake(room.App.Address, "cut");
        for (var length = 1; length <= request.Length; length += 37)
        {
            var socket = await RawSocket.ConnectAsync(room.App.Address);
            await socket.SendAsync(request[..length]);
            socket.Reset();
        }

        for (var i = 0; i < 20; i++)
        {
            var socket = await RawSocket.ConnectAsync(room.App.Address);
            await socket.SendAsync(request);
            socket.Reset();
        }

        await room.IsUndisturbedAsync();
    }
}
