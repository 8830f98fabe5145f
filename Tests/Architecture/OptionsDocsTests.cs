using System.Text.RegularExpressions;

namespace OrleansChat.Tests.Architecture;

/// <summary>docs/operations.md says of every key what the options records say.</summary>
public sealed partial class OptionsDocsTests
{
    private static readonly Dictionary<string, string[]> Table = Docs.Rows(Docs.Read("operations.md"))
        .ToDictionary(row => Assert.Single(Docs.Quoted(row[0])), row => row, StringComparer.Ordinal);

    public static TheoryData<string> Keys => [.. OptionKey.All.Select(option => option.Key).Distinct(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Keys))]
    public void A_key_is_documented_with_its_unit_default_range_and_consequence(string key)
    {
        var option = OptionKey.All.First(option => option.Key == key);
        Assert.True(Table.TryGetValue(key, out var row), $"docs/operations.md has no row for {key}.");
        Assert.Equal(5, row.Length);
        Assert.All([row[1], row[2], row[4]], cell => Assert.NotEmpty(cell));

        // A default that is no value (null, an empty list) is told in words.
        string[] defaults = option.Default is null or System.Collections.ICollection { Count: 0 } ? [] : [Docs.Quoted(row[2])[0]];
        Assert.Equal(defaults.Length, Docs.Quoted(row[2]).Count);
        Assert.All(defaults, text => Assert.Equal(option.Default, option.Convert(text)));

        object[] range = option.Range switch
        {
            null => option.Words,
            var (min, max) when max is long.MaxValue => [min],
            var (min, max) => [min, max],
        };
        Assert.Equal(range, Docs.Quoted(row[3]).Select(option.Convert));
    }

    [Fact]
    public void The_framework_s_own_keys_are_documented() => Assert.Empty(new[]
    {
        "ConnectionStrings:Redis", "Orleans:ClusterId", "Orleans:ServiceId", "Orleans:Endpoints:SiloPort", "Orleans:Endpoints:GatewayPort",
        "Orleans:Endpoints:AdvertisedIPAddress", "urls",
    }.Except(Table.Keys, StringComparer.Ordinal));

    [Fact]
    public void Every_key_that_a_document_names_exists()
    {
        var known = OptionKey.All.Select(option => option.Key).ToHashSet(StringComparer.Ordinal);
        var documents = Directory.GetFiles(Path.Combine(Code.Root, "docs"), "*.md", SearchOption.AllDirectories).Append(Path.Combine(Code.Root, "README.md"));
        Assert.Empty(from document in documents
                     from Match match in OurKeys().Matches(File.ReadAllText(document))
                     let key = match.Value.Replace("__", ":", StringComparison.Ordinal)
                     where !known.Contains(key)
                     select $"{Path.GetFileName(document)}: {match.Value}");
    }

    [GeneratedRegex("(?:Chat|Auth)(?::|__)[A-Z][A-Za-z]+", RegexOptions.NonBacktracking)]
    private static partial Regex OurKeys();
}
