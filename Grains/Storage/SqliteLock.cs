namespace OrleansChat.Grains.Storage;

/// <summary>Keeps other processes off a data file, and other users of the machine out of it.</summary>
/// <remarks>
/// SQLite's own <c>locking_mode=EXCLUSIVE</c> would shut out our readers too, so the claim is an exclusive lock on a file beside the data. It ends
/// with the process, however that ends; the lock file stays, since removing it would race with the next one to come.
/// </remarks>
internal static class SqliteLock
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Creates what is missing of directory and file, and locks them.</summary>
    /// <param name="path">The data file's full path.</param>
    /// <returns>The lock: given back by disposing it.</returns>
    /// <exception cref="IOException">It is locked already.</exception>
    public static FileStream Take(string path)
    {
        var directory = Path.GetDirectoryName(path)!;
        if (OperatingSystem.IsWindows())
            Directory.CreateDirectory(directory);
        else
            Directory.CreateDirectory(directory, OwnerOnly | UnixFileMode.UserExecute);
        FileStream claim;
        try
        {
            claim = Open(path + ".lock", FileShare.None);
        }
        catch (IOException exception) when (exception is not (DirectoryNotFoundException or PathTooLongException))
        {
            throw new IOException($"Chat:DataPath '{path}' is in use by another process: stop that one, or give this one a path of its own.", exception);
        }
        try
        {
            // Before SQLite opens it: SQLite would create it readable to others, and its -wal and -shm files take their mode from it.
            Open(path, FileShare.ReadWrite).Dispose();
            if (!OperatingSystem.IsWindows())
                File.SetUnixFileMode(path, OwnerOnly);
        }
        catch
        {
            claim.Dispose();
            throw;
        }
        return claim;
    }

    /// <summary>Whether the file was marked: something is amiss with the data beside it that the data itself cannot say.</summary>
    public static bool IsMarked(FileStream claim) => claim.Length > 0;

    /// <summary>Marks the lock file, or not any more. It lies beside the data and outlives the process.</summary>
    public static void Mark(FileStream claim, bool isMarked)
    {
        if (IsMarked(claim) == isMarked)
            return;
        claim.SetLength(isMarked ? 1 : 0);
        claim.Flush(flushToDisk: true);
    }

    private static FileStream Open(string path, FileShare share)
    {
        var options = new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = share };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = OwnerOnly;
        return new FileStream(path, options);
    }
}
