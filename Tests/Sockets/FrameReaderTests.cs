using System.Text;
using CsCheck;
using OrleansChat.Tests.Support;
using OrleansChat.WebFront.Sockets;

namespace OrleansChat.Tests.Sockets;

/// <summary>Messages out of bytes, however those are cut.</summary>
public sealed class FrameReaderTests
{
    private const int Limit = 70_000;

    private static readonly Gen<(byte Opcode, byte[] Payload)> Frame = Gen.Select(
        Gen.Int[0, 3].Select(i => (byte)"\u0001\u0002\u0009\u000A"[i]), Gen.Frequency((6, Gen.Int[0, 130]), (1, Gen.Int[131, 5_000]), (1, Gen.Int[65_530, 65_540])), Gen.Int[0, 25],
        (opcode, length, letter) => (opcode, Encoding.ASCII.GetBytes(new string((char)('a' + letter), opcode >= 8 ? length % 126 : length))));

    [Fact]
    public void However_the_bytes_are_cut_the_same_comes_out() => Gen.Select(Frame.Array[1, 6], Gen.Int[1, 3], Gen.Int[1, 9_000].Array[1, 5]).Sample(
        (frames, parts, cuts) =>
        {
            var bytes = frames.SelectMany(frame => Cut(frame.Opcode, frame.Payload, parts)).ToArray();
            var expected = frames.Select(frame => $"{KindOf(frame.Opcode)} {Encoding.ASCII.GetString(frame.Payload)}");
            Assert.Equal(expected, Read(bytes, cuts), StringComparer.Ordinal);
        },
        iter: 200);

    [Fact]
    public void Byte_by_byte_it_is_the_same()
    {
        byte[] bytes = [.. Cut(0x1, "Grüße"u8.ToArray(), 3), .. RawSocket.Frame(RawSocket.Ping, "p"), .. RawSocket.Frame(RawSocket.Close, [0x03, 0xE8])];
        Assert.Equal(["Message Grüße", "Ping p", "Close \u0003\uFFFD"], Read(bytes, [1]));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(50_000)]
    public void A_message_over_the_limit_is_told_once_and_from_then_on_only_control_frames_are(int cut)
    {
        byte[] bytes =
        [
            .. Cut(0x1, new byte[Limit], 2), .. RawSocket.Frame(0x01, new byte[Limit]), .. RawSocket.Frame(RawSocket.Ping, "p"), .. RawSocket.Frame(0x00, "x"),
            .. RawSocket.Frame(0x80, new byte[Limit]), .. RawSocket.Frame(RawSocket.Text, "more"), .. RawSocket.Frame(RawSocket.Close, []),
        ];
        Assert.Equal(["Message", "Ping", "TooLarge", "Close"], Read(bytes, [cut]).Select(found => found.Split(' ')[0]));
    }

    [Theory]
    [InlineData("81FF7FFFFFFFFFFFFFFF00000000")]
    [InlineData("0181000000007800FF7FFFFFFFFFFFFFFF00000000")]
    public void A_length_beyond_all_measure_asks_for_no_memory_in_the_first_fragment_nor_in_one_that_follows(string frames)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Equal(["TooLarge "], Read(Convert.FromHexString(frames), [30]));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 60_000);
    }

    private static string KindOf(byte opcode) => opcode switch { 0x9 => "Ping", 0xA => "Pong", _ => "Message" };

    /// <summary>A message in fragments; control frames stay whole.</summary>
    private static byte[] Cut(byte opcode, byte[] payload, int parts)
    {
        if (opcode >= 8 || parts == 1)
            return RawSocket.Frame((byte)(0x80 | opcode), payload);
        var size = Math.Max(1, payload.Length / parts);
        var chunks = Enumerable.Range(0, parts).Select(i => payload.AsMemory(Math.Min(payload.Length, i * size), i == parts - 1 ? Math.Max(0, payload.Length - (i * size)) : Math.Min(size, Math.Max(0, payload.Length - (i * size)))));
        return [.. chunks.SelectMany((chunk, i) => RawSocket.Frame((byte)((i == 0 ? opcode : 0) | (i == parts - 1 ? 0x80 : 0)), chunk.Span))];
    }

    /// <summary>Everything found, as the receive loop reads it: what was not consumed comes again with what follows.</summary>
    private static List<string> Read(byte[] bytes, int[] cuts)
    {
        var (reader, found, consumed) = (new FrameReader(Limit), new List<string>(), 0);
        for (var (received, i) = (0, 0); received < bytes.Length; i++)
        {
            received = Math.Min(bytes.Length, received + cuts[i % cuts.Length]);
            var rest = bytes.AsMemory(consumed, received - consumed);
            while (reader.Read(ref rest, out var payload) is var what and not Inbound.Incomplete)
                found.Add($"{what} {Encoding.UTF8.GetString(payload.Span)}");
            consumed = received - rest.Length;
        }

        return found;
    }
}
