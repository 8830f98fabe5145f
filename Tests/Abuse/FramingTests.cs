using OrleansChat.Tests.Support;

namespace OrleansChat.Tests.Abuse;

/// <summary>Frames that RFC 6455 forbids, and some that it allows and nobody sends.</summary>
public sealed class FramingTests(AbusedRoom room) : IClassFixture<AbusedRoom>
{
    [Theory]
    [InlineData("not masked", "81067B7D20202020")]
    [InlineData("RSV1: compressed, which nobody agreed to", "C1820000000041")]
    [InlineData("RSV2", "A18200000000")]
    [InlineData("RSV3", "918200000000")]
    [InlineData("opcode 3", "838000000000")]
    [InlineData("opcode 7", "878000000000")]
    [InlineData("opcode 11", "8B8000000000")]
    [InlineData("opcode 15", "8F8000000000")]
    [InlineData("a ping in fragments", "098000000000")]
    [InlineData("a close in fragments", "088000000000")]
    [InlineData("a ping with a 16-bit length", "89FE007E00000000")]
    [InlineData("a continuation of nothing", "808000000000")]
    [InlineData("a message inside a fragmented one", "01810000000041" + "81810000000041")]
    [InlineData("a 64-bit length with its highest bit set", "81FFFFFFFFFFFFFFFFFF00000000")]
    [InlineData("a close of one byte", "88810000000003")]
    [InlineData("close code 0", "8882000000000000")]
    [InlineData("close code 999", "88820000000003E7")]
    [InlineData("close code 1004", "88820000000003EC")]
    [InlineData("close code 1005", "88820000000003ED")]
    [InlineData("close code 1006", "88820000000003EE")]
    [InlineData("close code 1015", "88820000000003F7")]
    [InlineData("close code 2999", "8882000000000BB7")]
    [InlineData("close code 5000", "8882000000001388")]
    [InlineData("close code 65535", "888200000000FFFF")]
    [InlineData("a close reason that is not UTF-8", "88840000000003E8C328")]
    [InlineData("a close reason whose last letter is cut", "88870000000003E8E282ACE282")]
    public async Task Broken_framing_is_closed_with_1002(string what, string hex)
    {
        await using var socket = await room.JoinAsync();
        await socket.SendAsync(Convert.FromHexString(hex));
        var close = await socket.ClosedAsync();
        Assert.True(close.CloseCode == 1002, $"{what}: closed with {close.CloseCode}");

        // Who closes as the RFC asks is not made to wait.
        await socket.SendAsync(RawSocket.Frame(RawSocket.Close, close.Bytes));
        socket.FinishSending();
        await socket.EndedAsync();
        await room.IsUndisturbedAsync();
    }

    [Theory]
    [InlineData("888000000000", 1000)]
    [InlineData("88820000000003E8", 1000)]
    [InlineData("88820000000003E9", 1001)]
    [InlineData("8882000000000BB8", 3000)]
    [InlineData("8882000000001387", 4999)]
    [InlineData("88850000000003E8E282AC", 1000)]
    public async Task A_close_is_answered_with_its_own_code_or_1000(string hex, int code)
    {
        await using var socket = await room.JoinAsync();
        await socket.SendAsync(Convert.FromHexString(hex));
        Assert.Equal(code, (await socket.ClosedAsync()).CloseCode);
        socket.FinishSending();
        await socket.EndedAsync();
        await room.IsUndisturbedAsync();
    }

    [Fact]
    public async Task A_close_between_the_fragments_of_a_message_is_answered()
    {
        await using var socket = await room.JoinAsync();
        await socket.SendAsync(RawSocket.Frame(0x01, """{"type":"""));
        await socket.SendAsync(RawSocket.Frame(RawSocket.Close, [0x03, 0xE8]));
        Assert.Equal(1000, (await socket.ClosedAsync()).CloseCode);
        await socket.EndedAsync();
        await room.IsUndisturbedAsync();
    }

    [Fact]
    public async Task What_follows_a_close_is_not_looked_at()
    {
        await using var socket = await room.JoinAsync();
        await socket.SendAsync([.. RawSocket.Frame(RawSocket.Close, [0x03, 0xE8]), .. RawSocket.Frame(RawSocket.Text, """{"type":"ping","id":"late"}""")]);
        var all = await socket.ReadToEndAsync();
        Assert.Equal(1000, all[^1].CloseCode);
        Assert.DoesNotContain(all, frame => frame.Payload.Contains("late", StringComparison.Ordinal));
        await room.IsUndisturbedAsync();
    }

    [Fact]
    public async Task A_ping_is_answered_with_its_own_payload_also_between_fragments()
    {
        await using var socket = await room.JoinAsync();
        var longest = new string('x', 125);
        await socket.SendAsync(RawSocket.Frame(0x01, """{"type":"ping","""));
        await socket.SendAsync(RawSocket.Frame(RawSocket.Ping, longest));
        Assert.Equal((RawSocket.Pong, longest), await NextAsync(socket));
        await socket.SendAsync(RawSocket.Frame(0x00, ""));
        await socket.SendAsync(RawSocket.Frame(RawSocket.Ping, ""));
        Assert.Equal((RawSocket.Pong, ""), await NextAsync(socket));
        await socket.SendAsync(RawSocket.Frame(0x80, "\"id\":\"parts\"}"));
        await socket.UntilAsync("""{"type":"pong","id":"parts",""");
        await room.IsUndisturbedAsync();
    }

    [Theory]
    [InlineData("a 16-bit length for what 7 bits could say", "81FE0002000000007B7D")]
    [InlineData("a 64-bit length for what 7 bits could say", "81FF0000000000000002000000007B7D")]
    public async Task A_length_that_is_longer_than_it_need_be_is_taken_or_closed_with_1002(string what, string hex)
    {
        await using var socket = await room.JoinAsync();
        await socket.SendAsync(Convert.FromHexString(hex));
        await socket.SendAsync(RawSocket.Frame(RawSocket.Close, [0x03, 0xE8]));
        var all = await socket.ReadToEndAsync();
        Assert.True(all[^1].CloseCode is 1000 or 1002, what);
        await room.IsUndisturbedAsync();
    }

    [Fact]
    public async Task A_message_in_16000_fragments_of_a_byte_is_one_message()
    {
        await using var socket = await room.JoinAsync();
        var json = $$"""{"type":"ping","id":"many"{{new string(' ', 15_974)}}}""";
        Assert.InRange(json.Length, 16_000, 16_384);
        var fragments = json.SelectMany((letter, i) => RawSocket.Frame((byte)((i == 0 ? 0x01 : 0x00) | (i == json.Length - 1 ? 0x80 : 0x00)), [(byte)letter]));
        await socket.SendAsync([.. fragments]);
        await socket.UntilAsync("""{"type":"pong","id":"many",""");
        await room.IsUndisturbedAsync();
    }

    [Fact]
    public async Task Thousands_of_empty_fragments_are_nothing()
    {
        await using var socket = await room.JoinAsync();
        await socket.SendAsync(RawSocket.Frame(0x01, """{"type":"ping","id":"""));
        await socket.SendAsync([.. Enumerable.Repeat(RawSocket.Frame(0x00, ""), 20_000).SelectMany(frame => frame)]);
        await socket.SendAsync(RawSocket.Frame(0x80, "\"empty\"}"));
        await socket.UntilAsync("""{"type":"pong","id":"empty",""");
        await room.IsUndisturbedAsync();
    }

    [Fact]
    public async Task Thousands_of_pings_in_a_row_are_answered()
    {
        await using var socket = await room.JoinAsync();
        const int count = 2_000;
        await socket.SendAsync([.. Enumerable.Range(0, count).SelectMany(i => RawSocket.Frame(RawSocket.Ping, $"{i}"))]);
        var last = await NextAsync(socket);
        while (last != (RawSocket.Pong, $"{count - 1}"))
            last = await NextAsync(socket);
        await room.IsUndisturbedAsync();
    }

    [Fact]
    public async Task A_pong_that_nobody_asked_for_is_nothing()
    {
        await using var socket = await room.JoinAsync();
        await socket.SendAsync(RawSocket.Frame(RawSocket.Pong, "unasked"));
        await socket.SayAsync("""{"type":"ping","id":"after"}""");
        await socket.UntilAsync("""{"type":"pong","id":"after",""");
        await room.IsUndisturbedAsync();
    }

    /// <summary>The next control frame: what others in the room do is passed over.</summary>
    private static async Task<(byte First, string Payload)> NextAsync(RawSocket socket)
    {
        while (true)
        {
            var frame = await socket.ReadFrameAsync();
            if (frame.First != RawSocket.Text)
                return (frame.First, frame.Payload);
        }
    }
}
