using System.Reflection;
using System.Text.RegularExpressions;

namespace OrleansChat.Tests.Architecture;

/// <summary>Sealed, internal, named for what it is, short.</summary>
public sealed partial class ShapeTests
{
    private const int MaxLines = 300;

    private static readonly string[] Forbidden =
        ["Manager", "Helper", "Helpers", "Util", "Utils", "Service", "Handler", "Processor", "Info", "Data", "Impl", "Base", "Common", "Wrapper"];

    /// <summary>Named for the option <c>Chat:DataSync</c>.</summary>
    private static readonly string[] ForbiddenButKept = ["DataSync"];

    /// <summary>What others compile against beside Grains.Interfaces, where everything is public.</summary>
    private static readonly Dictionary<string, string> Public = new(StringComparer.Ordinal)
    {
        ["ChatSilo"] = "Silo and WebFront put the grains into their silo with it",
        ["GrainOptions"] = "what it is configured with",
        ["GrainStores"] = "what a host names its stores by",
        ["FrontsState"] = "grain state: storages create it",
        ["LocalQueueStreams"] = "how silos and clients add the streams",
        ["LocalQueueOptions"] = "what they are configured with",
        ["LocalQueueFullException"] = "what a publisher catches",
        ["Batcher`1"] = "fronts and grains batch with it",
        ["Background"] = "what a front writes to those who only listen gives way in it",
        ["Lull"] = "what writes to sockets and to the data file waits in it",
    };

    [Fact]
    public void Types_are_internal_unless_others_compile_against_them() =>
        Assert.Empty(Code.Types(Code.Streaming, Code.Grains, Code.WebFront, Code.Silo).Where(type => type.IsPublic).Select(type => type.Name).Except(Public.Keys, StringComparer.Ordinal));

    [Fact]
    public void What_is_listed_as_public_is_there_and_is_public() =>
        Assert.Empty(Public.Keys.Except(Code.Types(Code.Streaming, Code.Grains, Code.WebFront, Code.Silo).Where(type => type.IsPublic).Select(type => type.Name), StringComparer.Ordinal));

    [Fact]
    public void Classes_are_sealed_or_abstract_but_for_what_tests_derive_from_or_have_derived_at_run_time()
    {
        Type[] all = [.. Code.Types([.. Code.Product, typeof(ShapeTests).Assembly])];
        var parents = all.Where(type => type.Assembly == typeof(ShapeTests).Assembly).Select(type => type.BaseType).ToHashSet();
        Assert.Empty(all.Where(type => type is { IsClass: true, IsSealed: false, IsAbstract: false } && !parents.Contains(type) && !type.IsSubclassOf(typeof(DispatchProxy)))
            .Select(type => type.FullName));
    }

    [Fact]
    public void No_type_is_called_by_a_word_that_says_nothing() =>
        Assert.Empty(from type in Code.Types(Code.Product)
                     where !ForbiddenButKept.Contains(type.Name, StringComparer.Ordinal)
                     where Words().Matches(type.Name).Select(word => word.Value).Intersect(Forbidden, StringComparer.Ordinal).Any()
                     select type.FullName);

    [Fact]
    public void No_source_file_is_too_long_to_be_read_in_one_go()
    {
        var files = Code.Sources(".cs", ".js").ToDictionary(file => file, file => File.ReadLines(Path.Combine(Code.Root, file)).Count(), StringComparer.Ordinal);
        Assert.True(files.Count > 100, "The sources were not found.");
        Assert.DoesNotContain(files, file => file.Value > MaxLines);
    }

    [GeneratedRegex("[A-Z][a-z0-9]*", RegexOptions.NonBacktracking)]
    private static partial Regex Words();
}
