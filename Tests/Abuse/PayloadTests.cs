using System.Text;
using OrleansChat.Tests.Support;

namespace OrleansChat.Tests.Abuse;

/// <summary>Messages whose framing is good and whose bytes are not.</summary>
public sealed class PayloadTests(AbusedRoom room) : IClassFixture<AbusedRoom>
{
    private const int FrameBytes = 16_384;

    [Theory]
    [InlineData("C328")] // a second byte that is none
    [InlineData("EDA080")] // a surrogate
    [InlineData("C080")] // NUL, the long way
    [InlineData("F4908080")] // beyond U+10FFFF
    [InlineData("FF")]
    [InlineData("E282")] // cut off
    public async Task What_is_not_UTF8_is_closed_with_1007_as_text_in_fragments_and_as_binary(string hex)
    {
        var bytes = Convert.FromHexString(hex);
        byte[][] ways =
        [
            RawSocket.Frame(RawSocket.Text, bytes),
            RawSocket.Frame(RawSocket.Binary, bytes),
            [.. RawSocket.Frame(0x01, bytes.AsSpan(..1)), .. RawSocket.Frame(0x00, ""), .. RawSocket.Frame(0x80, bytes.AsSpan(1..))],
            [.. RawSocket.Frame(0x02, bytes.AsSpan(..1)), .. RawSocket.Frame(0x80, bytes.AsSpan(1..))],
        ];
        foreach (var way in ways)
        {
            await using var socket = await room.JoinAsync();
            await socket.SendAsync(way);
            Assert.Equal(1007, (await socket.ClosedAsync()).CloseCode);
        }

        await room.IsUndisturbedAsync();
    }

    [Fact]
    public async Task A_letter_cut_by_a_fragments_end_is_whole_again_and_binary_is_read_like_text()
    {
        await using var socket = await room.JoinAsync();
        var euro = Encoding.UTF8.GetBytes("""{"type":"€"}""");
        foreach (byte kind in (byte[])[0x01, 0x02])
        {
            await socket.SendAsync([.. RawSocket.Frame(kind, euro.AsSpan(..10)), .. RawSocket.Frame(0x80, euro.AsSpan(10..))]);
            await socket.UntilAsync("""{"type":"error","error":"Unknown message type: €","code":"unknown_type"}""");
        }

        await socket.SendAsync(RawSocket.Frame(RawSocket.Binary, """{"type":"ping","id":"binary"}"""));
        await socket.UntilAsync("""{"type":"pong","id":"binary",""");
        await room.IsUndisturbedAsync();
    }

    [Theory]
    [InlineData("81" + "80" + "00000000")] // zero-length
    [InlineData("82" + "80" + "00000000")]
    [InlineData("01" + "80" + "00000000" + "80" + "80" + "00000000")] // zero-length in fragments
    [InlineData("81" + "81" + "00000000" + "00")] // NUL
    [InlineData("81" + "85" + "00000000" + "EFBBBF7B7D")] // a byte order mark
    public async Task What_is_no_JSON_object_is_an_error_and_no_more(string hex)
    {
        await using var socket = await room.JoinAsync();
        await socket.SendAsync(Convert.FromHexString(hex));
        await socket.UntilAsync("""{"type":"error","error":"Invalid message format","code":"invalid_message"}""");
        await socket.SayAsync("""{"type":"ping","id":"on"}""");
        await socket.UntilAsync("""{"type":"pong","id":"on",""");
        await room.IsUndisturbedAsync();
    }

    [Theory]
    [InlineData(31, "{\"type\":\"pong\",\"id\":\"deep\"")]
    [InlineData(32, "\"code\":\"invalid_message\"")]
    [InlineData(8_000, "\"code\":\"invalid_message\"")]
    public async Task JSON_deeper_than_32_is_refused(int arrays, string answer)
    {
        await using var socket = await room.JoinAsync();
        await socket.SayAsync($$"""{"type":"ping","id":"deep","more":{{new string('[', arrays)}}{{new string(']', arrays)}}}""");
        await socket.UntilAsync(answer);
        await socket.SayAsync($$"""{"type":"ping","id":"deep","payload":{{new string('[', arrays)}}{{new string(']', arrays)}}}""");
        await socket.UntilAsync(answer);
        await room.IsUndisturbedAsync();
    }

    [Fact]
    public async Task Ten_thousand_levels_in_one_frame_cost_no_stack()
    {
        await using var socket = await room.JoinAsync();
        await socket.SayAsync(new string('[', 16_000));
        await socket.UntilAsync("\"code\":\"invalid_message\"");
        await socket.SayAsync(string.Concat(Enumerable.Repeat("{\"payload\":", 1_400)));
        await socket.UntilAsync("\"code\":\"invalid_message\"");
        await room.IsUndisturbedAsync();
    }

    [Theory]
    [InlineData(FrameBytes, 1)]
    [InlineData(FrameBytes, 3)]
    [InlineData(FrameBytes, 17)]
    public async Task A_frame_of_exactly_the_limit_is_taken_whole_or_in_parts(int length, int parts)
    {
        await using var socket = await room.JoinAsync();
        await socket.SendAsync(InParts(Padded(length), parts));
        await socket.UntilAsync("""{"type":"pong","id":"large",""");
        await room.IsUndisturbedAsync();
    }

    [Theory]
    [InlineData(FrameBytes + 1, 1)]
    [InlineData(FrameBytes + 1, 3)]
    [InlineData(65_536, 1)]
    [InlineData(65_537, 2)]
    [InlineData(300_000, 1)]
    [InlineData(300_000, 1_000)]
    [InlineData(5_000_000, 3)]
    public async Task One_byte_more_is_closed_with_1009_and_nothing_of_it_is_looked_at(int length, int parts)
    {
        await using var socket = await room.JoinAsync();
        await socket.SendAsync(InParts(Padded(length), parts));
        await socket.SayAsync("""{"type":"ping","id":"after"}""");
        var all = await socket.ReadToEndAsync();
        Assert.Equal(1009, all[^1].CloseCode);
        Assert.DoesNotContain(all, frame => frame.Payload.Contains("\"pong\"", StringComparison.Ordinal));

        await socket.SendAsync(RawSocket.Frame(RawSocket.Close, [0x03, 0xF1]));
        await socket.EndedAsync();
        await room.IsUndisturbedAsync();
    }

    [Theory]
    [InlineData("81FF000000007FFFFFFF00000000")] // 2 GB
    [InlineData("81FF7FFFFFFFFFFFFFFF00000000")] // all there is
    public async Task A_frame_that_announces_the_world_and_sends_nothing_costs_nothing(string hex)
    {
        await using var socket = await room.JoinAsync();
        var before = GC.GetTotalAllocatedBytes();
        await socket.SendAsync(Convert.FromHexString(hex));
        await room.IsUndisturbedAsync();
        Assert.InRange(GC.GetTotalAllocatedBytes() - before, 0, 1L << 30);

        // What follows is the frame's: at the limit it is over.
        await socket.SendAsync(new byte[FrameBytes + 1]);
        Assert.Equal(1009, (await socket.ClosedAsync()).CloseCode);
        await room.IsUndisturbedAsync();
    }

    [Fact]
    public async Task Every_connection_is_as_new_as_the_first_whatever_was_in_the_rented_buffers()
    {
        for (var i = 0; i < 50; i++)
        {
            await using var socket = await RawSocket.UpgradeAsync(room.App.Address, room.NewUser());
            await socket.SendAsync(InParts(Padded(20_000), 2));
            Assert.Equal(1009, (await socket.ClosedAsync()).CloseCode);
        }

        await using var other = await room.JoinAsync();
        await other.SayAsync("""{"type":"typ""");
        await other.UntilAsync("""{"type":"error","error":"Invalid message format","code":"invalid_message"}""");
        await room.IsUndisturbedAsync();
    }

    private static byte[] Padded(int length)
    {
        const string frame = """{"type":"ping","id":"large"}""";
        return Encoding.UTF8.GetBytes(frame + new string(' ', length - frame.Length));
    }

    private static byte[] InParts(byte[] message, int parts)
    {
        if (parts == 1)
            return RawSocket.Frame(RawSocket.Text, message);
        var size = (message.Length + parts - 1) / parts;
        var chunks = message.Chunk(size).ToArray();
        return [.. chunks.SelectMany((chunk, i) => RawSocket.Frame((byte)((i == 0 ? 0x01 : 0x00) | (i == chunks.Length - 1 ? 0x80 : 0x00)), chunk))];
    }
}
