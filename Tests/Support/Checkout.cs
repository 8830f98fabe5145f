namespace OrleansChat.Tests.Support;

/// <summary>The files of the repository that the tests were built from.</summary>
internal static class Checkout
{
    /// <summary>The full path of a file, by its path from the directory of <c>OrleansChat.sln</c>.</summary>
    public static string PathOf(string file)
    {
        for (var directory = new DirectoryInfo(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
        {
            if (File.Exists(Path.Combine(directory.FullName, "OrleansChat.sln")))
                return Path.Combine(directory.FullName, file);
        }

        throw new InvalidOperationException("OrleansChat.sln is in none of the directories above the tests.");
    }
}
