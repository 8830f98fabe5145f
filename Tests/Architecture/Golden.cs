namespace OrleansChat.Tests.Architecture;

/// <summary>Files of what clients, stored logs and other versions of ourselves rely on: a change of one of these has to be made twice, once on purpose.</summary>
internal static class Golden
{
    private const string Variable = "UPDATE_GOLDEN";

    /// <summary>Compares lines with a file under <c>golden/</c>, or rewrites it where the environment says so.</summary>
    public static void Matches(string file, IEnumerable<string> lines)
    {
        var path = Path.Combine(Code.Root, "Tests", "Architecture", "golden", file);
        string[] now = [.. lines];
        Assert.NotEmpty(now);
        if (Environment.GetEnvironmentVariable(Variable) == "1")
        {
            File.WriteAllText(path, string.Join('\n', now) + "\n");
            return;
        }

        string[] agreed = File.Exists(path) ? File.ReadAllLines(path) : [];
        string[] changes = [.. agreed.Except(now, StringComparer.Ordinal).Select(line => $"- {line}"), .. now.Except(agreed, StringComparer.Ordinal).Select(line => $"+ {line}")];
        if (!now.SequenceEqual(agreed, StringComparer.Ordinal))
            Assert.Fail($"{file} does not hold what the code says:\n{string.Join('\n', changes)}\n{Advice}");
    }

    private const string Advice =
        $"Names and numbers that were in use are never given a new meaning: clients, stored logs and the other version in a rolling update hold the old one. " +
        $"Adding is fine. Where the change is meant: {Variable}=1 ./test.sh -class '*GoldenTests*' rewrites the files; look at the diff and commit it.";
}
