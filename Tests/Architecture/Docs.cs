using System.Text.RegularExpressions;

namespace OrleansChat.Tests.Architecture;

/// <summary>The documents under <c>docs/</c>, as the tests read them.</summary>
internal static partial class Docs
{
    public static string Read(string file) => File.ReadAllText(Path.Combine(Code.Root, "docs", file));

    /// <summary>The rows of all tables below a heading, or in the whole document; each its cells. Header and ruler are left out.</summary>
    public static IEnumerable<string[]> Rows(string document, string? heading = null)
    {
        var lines = (heading is null ? document : Section(document, heading)).Split('\n');
        for (var i = 2; i < lines.Length; i++)
        {
            var isRow = lines[i].StartsWith('|') && !lines[i].StartsWith("| ---", StringComparison.Ordinal) && lines[i - 1].StartsWith('|');
            if (isRow)
                yield return [.. lines[i].Trim().Trim('|').Split(" | ").Select(cell => cell.Trim(' ', '|'))];
        }
    }

    /// <summary>What stands between backticks.</summary>
    public static IReadOnlyList<string> Quoted(string text) => [.. Backticks().Matches(text).Select(match => match.Groups["text"].Value)];

    /// <summary>The JSON in the fenced blocks below a heading, a line each.</summary>
    public static IEnumerable<string> Json(string document, string heading) =>
        from block in Fences().Matches(Section(document, heading))
        from line in block.Groups["json"].Value.Split('\n', StringSplitOptions.RemoveEmptyEntries)
        select line;

    private static string Section(string document, string heading)
    {
        var start = document.IndexOf($"\n{heading}\n", StringComparison.Ordinal);
        Assert.True(start >= 0, $"There is no heading '{heading}'.");
        var level = heading[..(heading.IndexOf(' ', StringComparison.Ordinal) + 1)];
        var end = document.IndexOf($"\n{level}", start + 1 + heading.Length, StringComparison.Ordinal);
        return end < 0 ? document[start..] : document[start..end];
    }

    [GeneratedRegex("`(?<text>[^`]+)`", RegexOptions.NonBacktracking)]
    private static partial Regex Backticks();

    [GeneratedRegex("```json\n(?<json>[^`]*)```", RegexOptions.NonBacktracking)]
    private static partial Regex Fences();
}
