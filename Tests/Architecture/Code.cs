using System.Reflection;
using System.Runtime.CompilerServices;
using OrleansChat.Grains;
using OrleansChat.Grains.Interfaces;
using OrleansChat.Streaming;
using OrleansChat.WebFront;

namespace OrleansChat.Tests.Architecture;

/// <summary>The product as the architecture tests see it: its assemblies, its own types, its sources.</summary>
internal static class Code
{
    public static Assembly Interfaces { get; } = typeof(IRoomGrain).Assembly;

    public static Assembly Streaming { get; } = typeof(LocalQueueStreams).Assembly;

    public static Assembly Grains { get; } = typeof(ChatSilo).Assembly;

    public static Assembly WebFront { get; } = typeof(FrontApp).Assembly;

    public static Assembly Silo { get; } = Assembly.Load("OrleansChat.Silo");

    public static Assembly[] Product { get; } = [Interfaces, Streaming, Grains, WebFront, Silo];

    /// <summary>The directory of <c>OrleansChat.sln</c>.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>The types that somebody wrote: without the compiler's and the generators' own.</summary>
    public static IEnumerable<Type> Types(params IEnumerable<Assembly> assemblies) => assemblies
        .SelectMany(assembly => assembly.GetTypes())
        .Where(type => type.FullName!.StartsWith("OrleansChat.", StringComparison.Ordinal) && !IsGenerated(type));

    /// <summary>Source files of the product projects, relative to <see cref="Root"/>.</summary>
    public static IEnumerable<string> Sources(params IEnumerable<string> extensions) =>
        from project in Directory.GetFiles(Root, "*.csproj", SearchOption.AllDirectories).Select(Path.GetDirectoryName)
        where Path.GetFileName(project) != "Tests"
        from file in Directory.GetFiles(project!, "*", SearchOption.AllDirectories)
        let path = Path.GetRelativePath(Root, file).Replace('\\', '/')
        where extensions.Contains(Path.GetExtension(file), StringComparer.Ordinal) && !path.Split('/').Any(part => part is "bin" or "obj" or "node_modules")
        select path;

    private static bool IsGenerated(Type type) =>
        type.Name.Contains('<', StringComparison.Ordinal)
        || type.IsDefined(typeof(CompilerGeneratedAttribute))
        || type.Name.StartsWith("__", StringComparison.Ordinal)
        || (type.DeclaringType is { } outer && IsGenerated(outer));

    private static string FindRoot()
    {
        for (var directory = new DirectoryInfo(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
        {
            if (File.Exists(Path.Combine(directory.FullName, "OrleansChat.sln")))
                return directory.FullName;
        }

        throw new InvalidOperationException("OrleansChat.sln is in none of the directories above the tests.");
    }
}
