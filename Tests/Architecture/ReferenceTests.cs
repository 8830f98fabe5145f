using System.Xml.Linq;
using OrleansChat.WebFront;

namespace OrleansChat.Tests.Architecture;

/// <summary>Who may know whom.</summary>
public sealed class ReferenceTests
{
    private static readonly Dictionary<string, string[]> Allowed = new(StringComparer.Ordinal)
    {
        ["Grains.Interfaces"] = [],
        ["Streaming"] = [],
        ["Grains"] = ["Grains.Interfaces", "Streaming"],
        ["Silo"] = ["Grains"],
        ["WebFront"] = ["Grains.Interfaces", "Streaming", "Grains"],
    };

    [Fact]
    public void A_project_references_only_what_lies_below_it()
    {
        foreach (var (project, allowed) in Allowed)
            Assert.Empty(References(PathOf(project), "ProjectReference").Select(path => Path.GetFileNameWithoutExtension(path)).Except(allowed, StringComparer.Ordinal));
    }

    [Fact]
    public void Every_other_project_compiles_against_the_interfaces_alone_as_other_services_do()
    {
        var others = Directory.GetFiles(Code.Root, "*.csproj", SearchOption.AllDirectories)
            .Where(path => Path.GetFileNameWithoutExtension(path) is var name && name != "Tests" && !Allowed.ContainsKey(name)).ToList();
        Assert.NotEmpty(others);
        Assert.All(others.SelectMany(path => References(path, "ProjectReference")), path => Assert.EndsWith("/Grains.Interfaces.csproj", path, StringComparison.Ordinal));
    }

    [Fact]
    public void What_other_services_compile_against_brings_neither_a_store_nor_a_silo_nor_a_web_server()
    {
        Assert.Equal(["Microsoft.Orleans.Sdk", "Microsoft.Orleans.Streaming"], References(PathOf("Grains.Interfaces"), "PackageReference").Order(StringComparer.Ordinal), StringComparer.Ordinal);
        var used = Code.Interfaces.GetReferencedAssemblies().Select(name => name.Name!);
        Assert.DoesNotContain(used, name => name.Contains("Redis", StringComparison.Ordinal) || name.Contains("AspNetCore", StringComparison.Ordinal)
            || name.Contains("Sqlite", StringComparison.Ordinal) || name.StartsWith("OrleansChat", StringComparison.Ordinal));
    }

    [Fact]
    public void A_front_touches_the_grains_side_in_its_embedded_host_alone()
    {
        var touching = from type in Code.WebFront.GetTypes()
                       where IntermediateCode.Mentions(type).Contains(Code.Grains)
                       select Outermost(type).Name;
        Assert.Equal([nameof(EmbeddedHost)], touching.Distinct(StringComparer.Ordinal), StringComparer.Ordinal);
    }

    [Fact]
    public void Grains_and_streams_know_no_web()
    {
        foreach (var assembly in new[] { Code.Grains, Code.Streaming })
            Assert.DoesNotContain(assembly.GetReferencedAssemblies(), name => name.Name!.StartsWith("Microsoft.AspNetCore", StringComparison.Ordinal));
    }

    [Fact]
    public void JSON_stands_in_the_frames_and_in_the_tokens_and_nowhere_else_in_a_front()
    {
        var json = typeof(System.Text.Json.JsonSerializer).Assembly;
        var touching = from type in Code.Types(Code.WebFront)
                       where IntermediateCode.Mentions(type).Contains(json)
                       select type.Namespace;
        Assert.Equal(["OrleansChat.WebFront.Auth", "OrleansChat.WebFront.Frames"], touching.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal), StringComparer.Ordinal);
    }

    private static Type Outermost(Type type) => type.DeclaringType is { } outer ? Outermost(outer) : type;

    private static string PathOf(string project) => Path.Combine(Code.Root, project, $"{project}.csproj");

    private static IEnumerable<string> References(string path, string kind) =>
        XDocument.Load(path).Descendants(kind).Where(reference => reference.Attribute("ReferenceOutputAssembly")?.Value != "false")
            .Select(reference => reference.Attribute("Include")!.Value);
}
