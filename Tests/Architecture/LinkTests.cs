using System.Text.RegularExpressions;

namespace OrleansChat.Tests.Architecture;

public sealed partial class LinkTests
{
    [Fact]
    public void Every_link_from_a_document_to_a_file_leads_somewhere()
    {
        var documents = Directory.GetFiles(Path.Combine(Code.Root, "docs"), "*.md", SearchOption.AllDirectories);
        Assert.Empty(from document in documents
                     from Match link in Links().Matches(File.ReadAllText(document))
                     let target = link.Groups["target"].Value
                     where !target.Contains("://", StringComparison.Ordinal) && !Path.Exists(Path.Combine(Path.GetDirectoryName(document)!, target))
                     select $"{Path.GetFileName(document)}: {target}");
    }

    [GeneratedRegex(@"\]\((?<target>[^)#]+)(?:#[^)]*)?\)", RegexOptions.NonBacktracking)]
    private static partial Regex Links();
}
