using System.Text;
using OrleansChat.Bench.Load;

namespace OrleansChat.Tests.Bench;

public sealed class FrameReaderTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(125)]
    [InlineData(126)]
    [InlineData(65_535)]
    [InlineData(65_536)]
    public void A_frame_is_read_when_its_last_byte_is_there_and_not_before(int length)
    {
        byte[] header = length switch
        {
            < 126 => [0x81, (byte)length],
            <= 65_535 => [0x81, 126, (byte)(length >> 8), (byte)length],
            _ => [0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0],
        };
        byte[] frame = [.. header, .. new byte[length]];

        for (var cut = 0; cut < Math.Min(frame.Length, 16); cut++)
            Assert.False(new FrameReader(frame.AsSpan(0, cut)).TryRead());
        Assert.False(new FrameReader(frame.AsSpan(0, frame.Length - 1)).TryRead());

        var reader = new FrameReader([.. frame, 0x89, 0x00, 0x81]);
        Assert.True(reader.TryRead());
        Assert.Equal((FrameReader.Text, true, length), (reader.Opcode, reader.IsFinal, reader.Payload.Length));
        Assert.True(reader.TryRead());
        Assert.Equal(FrameReader.Ping, reader.Opcode);
        Assert.False(reader.TryRead());
        Assert.Equal(frame.Length + 2, reader.Consumed);
    }

    [Fact]
    public void A_masked_frame_and_one_with_reserved_bits_end_the_run()
    {
        Assert.Throws<LoadException>(() => new FrameReader([0x81, 0x80, 1, 2, 3, 4]).TryRead());
        Assert.Throws<LoadException>(() => new FrameReader([0xC1, 0x00]).TryRead());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(125)]
    [InlineData(126)]
    [InlineData(1_003)]
    public void What_a_client_sends_is_masked_and_is_its_text_again_unmasked(int length)
    {
        var text = new string('m', length);
        var sink = new FrameSink();
        sink.Text(Encoding.UTF8.GetBytes(text));

        var frame = sink.Written;
        Assert.Equal(0x81, frame[0]);
        var header = length < 126 ? 2 : 4;
        Assert.Equal(0x80 | (length < 126 ? length : 126), frame[1]);
        var key = frame.Slice(header, 4);
        var payload = frame[(header + 4)..].ToArray();
        for (var i = 0; i < payload.Length; i++)
            payload[i] ^= key[i % 4];
        Assert.Equal(text, Encoding.UTF8.GetString(payload));
    }
}
