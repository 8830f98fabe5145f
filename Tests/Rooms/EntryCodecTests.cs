using CsCheck;
using OrleansChat.Grains.Interfaces;
using OrleansChat.Grains.Logs;

namespace OrleansChat.Tests.Rooms;

public sealed class EntryCodecTests
{
    private static readonly Gen<string> GenText = Gen.OneOf(Gen.String[Gen.Char['\0', '\uD7FF'], 0, 300], Gen.Const("😀 𝄞 \uFFFD"));

    private static readonly Gen<LogEntry[]> GenEntries =
        Gen.Select(GenText, GenText, GenText, Gen.Long[0, long.MaxValue], Gen.Select(Gen.ULong, Gen.ULong, Gen.ULong)).Array[1, 20]
            .Select(Gen.Long[0, long.MaxValue - 20], (entries, head) => entries.Select((entry, i) => Entry(head + i + 1, entry)).ToArray());

    private static readonly byte[] Two = EntryCodec.Encode(
    [
        new LogEntry(new Entry(41, "alice", "Alice", "hi", 1_700_000_000_000), 0, 0),
        new LogEntry(new Entry(42, "bob", "Bob", "hö", 1_700_000_000_001), (UInt128)1 << 127, 5),
    ]).Payload.ToArray();

    [Fact]
    public void What_is_encoded_is_decoded_as_it_was() => GenEntries.Sample(entries =>
    {
        var batch = EntryCodec.Encode(entries);
        Assert.Equal((entries[^1].Entry.Seq, entries[^1].Entry.Timestamp), (batch.Last, batch.Timestamp));
        Assert.Equal(entries, EntryCodec.Decode(batch));
    });

    [Fact]
    public void The_bytes_of_version_1_stay_what_they_are() => Assert.Equal(
        "0102" + "01" + "05616C696365" + "05416C696365" + "026869" + "80D095FFBC31" + "00"
        + "01" + "03626F62" + "03426F62" + "0368C3B6" + "81D095FFBC31" + "01" + "00000000000000000000000000000080" + "05000000000000000000000000000000",
        Convert.ToHexString(Two));

    [Fact]
    public void A_payload_that_ends_too_early_is_refused()
    {
        for (var length = 0; length < Two.Length; length++)
            Refuse(Two[..length]);
    }

    [Fact]
    public void A_payload_that_goes_on_after_its_last_entry_is_refused() => Refuse([.. Two, 0]);

    [Theory]
    [InlineData("00")] // no such version
    [InlineData("0201")] // a later version
    [InlineData("0100")] // no entries
    [InlineData("012B")] // more than there are seqs
    [InlineData("01FFFFFFFF07")] // two billion entries
    [InlineData("01FFFFFFFF0F")] // minus one, were it 32 bits
    [InlineData("0181808080808080808001")] // one, were it 32 bits
    [InlineData("01FFFFFFFFFFFFFFFFFFFFFF01")] // more than 64 bits
    [InlineData("0101" + "02" + "000000" + "00" + "00")] // another kind
    [InlineData("0101" + "01" + "FFFFFFFF0F" + "0000" + "00" + "00")] // a text of minus one bytes
    [InlineData("0101" + "01" + "8080808010" + "0000" + "00" + "00")] // a text of 2^32 bytes
    [InlineData("0101" + "01" + "000000" + "00" + "01" + "0000")] // half a hash
    public void A_damaged_payload_is_refused(string payload) => Refuse(Convert.FromHexString(payload));

    [Fact]
    public void Whatever_is_damaged_is_refused_or_read_and_nothing_worse() => Gen.Select(Gen.Int[0, Two.Length - 1], Gen.Byte).Sample((place, value) =>
    {
        var damaged = Two.ToArray();
        damaged[place] = value;
        try
        {
            EntryCodec.Decode(new LogBatch(42, 0, damaged));
        }
        catch (InvalidDataException)
        {
            // Refused.
        }
    });

    private static LogEntry Entry(long seq, (string UserId, string Username, string Text, long Timestamp, (ulong Upper, ulong Lower, ulong Text) Hash) of)
    {
        var (id, text) = (new UInt128(of.Hash.Upper, of.Hash.Lower), new UInt128(of.Hash.Lower, of.Hash.Text));
        var hasId = id != 0 && of.Hash.Text % 3 != 0;
        return new LogEntry(new Entry(seq, of.UserId, of.Username, of.Text, of.Timestamp), hasId ? id : 0, hasId ? text : 0);
    }

    private static void Refuse(byte[] payload) => Assert.Throws<InvalidDataException>(() => EntryCodec.Decode(new LogBatch(42, 0, payload)));
}
