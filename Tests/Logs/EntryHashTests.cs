using System.Globalization;
using OrleansChat.Grains.Logs;

namespace OrleansChat.Tests.Logs;

/// <summary>Hashes are in logs: a build that made others would take every repeat for a conflict, or for something new.</summary>
public sealed class EntryHashTests
{
    private const string Epoch = "AAAAAAAAAAA";

    [Fact]
    public void The_hash_of_an_id_stays_what_it_is() => Assert.Equal(Hash("6CADC3054D0747776C1F7BCC50FE5CAC"), EntryHash.OfId(Epoch, "alice", "1"));

    [Fact]
    public void The_hash_of_a_text_stays_what_it_is() => Assert.Equal(Hash("E83DBB6478F2D41FA2E4C07DC9EFA170"), EntryHash.OfText("hö"));

    [Theory]
    [InlineData("hö", true)]
    [InlineData("ho", false)]
    [InlineData("", false)]
    public void A_text_is_known_by_the_hash_that_older_logs_have_and_by_todays(string text, bool isKnown)
    {
        Assert.Equal(isKnown, EntryHash.IsOfText(Hash("5C7B5A58AB650943F64C4C49D1A8E75D"), Epoch, text));
        Assert.Equal(isKnown, EntryHash.IsOfText(EntryHash.OfText("hö"), Epoch, text));
    }

    private static UInt128 Hash(string hexadecimal) => UInt128.Parse(hexadecimal, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
}
