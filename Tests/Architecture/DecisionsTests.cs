namespace OrleansChat.Tests.Architecture;

/// <summary>docs/decisions: a page each, and all of them in the index.</summary>
public sealed class DecisionsTests
{
    private const int Page = 60;

    private static readonly string Folder = Path.Combine(Code.Root, "docs", "decisions");

    private static readonly string[] Files = [.. Directory.GetFiles(Folder, "*.md").Select(file => Path.GetFileName(file)).Where(file => file != "README.md").Order(StringComparer.Ordinal)];

    [Fact]
    public void The_index_lists_every_decision_by_number_and_title() =>
        Assert.Equal(
            Files.Select(file => $"| [{file[..4]}]({file}) | {Title(file)} |"),
            File.ReadLines(Path.Combine(Folder, "README.md")).Where(line => line.StartsWith("| [", StringComparison.Ordinal)),
            StringComparer.Ordinal);

    [Fact]
    public void A_decision_is_a_page_with_context_choice_and_cost() => Assert.All(Files, file =>
    {
        var lines = File.ReadAllLines(Path.Combine(Folder, file));
        Assert.InRange(lines.Length, 1, Page);
        Assert.Contains("## Context", lines, StringComparer.Ordinal);
        Assert.Contains("## Choice", lines, StringComparer.Ordinal);
        Assert.Contains(lines, line => line.StartsWith("## ", StringComparison.Ordinal) && line.Contains("cost", StringComparison.OrdinalIgnoreCase));
    });

    [Fact]
    public void No_number_is_given_twice() => Assert.Equal(Files.Length, Files.Select(file => file[..4]).Distinct(StringComparer.Ordinal).Count());

    /// <summary>The first line, behind <c># NNNN</c>.</summary>
    private static string Title(string file)
    {
        var title = File.ReadLines(Path.Combine(Folder, file)).First();
        Assert.StartsWith($"# {file[..4]} ", title, StringComparison.Ordinal);
        return title[7..];
    }
}
