using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace OrleansChat.Grains.Storage;

/// <summary>What the data file asks of the machine it is on.</summary>
/// <param name="BootId">Another one each time the machine is started.</param>
/// <param name="Flush">Returns when the disk has all that was written to a file, and throws whatever else the disk says.</param>
internal sealed record SqliteMachine(string BootId, Action<SafeFileHandle> Flush)
{
    /// <summary>The one we are on.</summary>
    public static SqliteMachine This { get; } = new(ReadBootId(), FlushToDisk);

    /// <summary>random(4). Where a system has none, each process is taken for another start of the machine: a cut too many is told, and none too few.</summary>
    private static string ReadBootId()
    {
        try
        {
            return File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim() is { Length: > 0 } id ? id : Guid.NewGuid().ToString();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Guid.NewGuid().ToString();
        }
    }

    /// <remarks><see cref="RandomAccess.FlushToDisk"/> takes it for done where Linux says that the file system is read-only by now.</remarks>
    private static void FlushToDisk(SafeFileHandle file)
    {
        if (!OperatingSystem.IsLinux())
            RandomAccess.FlushToDisk(file);
        else if (Fsync(file) != 0)
            throw new IOException($"fsync: {Marshal.GetLastPInvokeErrorMessage()}.");
    }

    [DllImport("libc", EntryPoint = "fsync", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Fsync(SafeFileHandle file);
}
