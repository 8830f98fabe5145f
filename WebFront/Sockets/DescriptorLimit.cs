using System.Runtime.InteropServices;

namespace OrleansChat.WebFront.Sockets;

/// <summary>How many files and sockets the operating system lets this process have (<c>ulimit -n</c>), and what of them connections may not take.</summary>
internal static class DescriptorLimit
{
    /// <summary>
    /// Descriptors that are left to everything else: the data file, the way to Redis and the silos, and .NET, which ends the process with <c>Out of memory.</c>
    /// when it wants to map code and gets none.
    /// </summary>
    public const int KeptFree = 64;

    /// <summary>
    /// Whether no more than <see cref="KeptFree"/> are left after this one, the newest. A new descriptor is the lowest number that is free
    /// (<see href="https://man7.org/linux/man-pages/man2/open.2.html">open(2)</see>), and numbers end at the limit, so one number tells. Always false elsewhere than on Linux.
    /// </summary>
    public static bool IsNear(SafeHandle newest)
    {
        const int openFiles = 7; // RLIMIT_NOFILE
        return OperatingSystem.IsLinux()
            && GetLimit(openFiles, out var limit) == 0
            && (ulong)newest.DangerousGetHandle() + KeptFree >= limit.Soft; // Asked each time: it can change while we run, and costs no more than a call.
    }

    /// <inheritdoc cref="IsNear(SafeHandle)"/>
    public static bool IsNear()
    {
        try
        {
            using var newest = File.OpenHandle("/dev/null");
            return IsNear(newest);
        }
        catch (IOException)
        {
            return true; // None is left at all.
        }
    }

    [DllImport("libc", EntryPoint = "getrlimit")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int GetLimit(int resource, out Limit limit);

    /// <summary>See <see href="https://man7.org/linux/man-pages/man2/getrlimit.2.html">getrlimit(2)</see>, as 64-bit processes have it.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Limit
    {
        public ulong Soft;
        public ulong Hard;
    }
}
