using System.Runtime.InteropServices;

namespace OrleansChat.Hosting;

/// <summary>How the kernel shares a processor among the threads of this process.</summary>
internal static class ThreadScheduling
{
    private const int Other = 0; // SCHED_OTHER, what threads have where nobody chose
    private const int Batch = 3; // SCHED_BATCH

    /// <summary>
    /// From here on a thread that wakes up does not interrupt the one that runs (decision 0027). For threads made from now on, by this thread and by those it
    /// makes: to be called first of all. Linux only; where the kernel refuses it, or someone chose another policy (<c>chrt</c>, systemd), all goes on as it was.
    /// </summary>
    /// <remarks>
    /// <see href="https://man7.org/linux/man-pages/man7/sched.7.html">sched(7)</see>: SCHED_BATCH is "mildly disfavored in scheduling decisions" at wake-ups, otherwise
    /// as SCHED_OTHER, and needs no privilege.
    /// </remarks>
    public static void LetRunningThreadsRun()
    {
        const int callingThread = 0, noPriority = 0;
        if (OperatingSystem.IsLinux() && GetScheduler(callingThread) == Other)
            _ = SetScheduler(callingThread, Batch, noPriority);
    }

    [DllImport("libc", EntryPoint = "sched_getscheduler")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int GetScheduler(int thread);

    [DllImport("libc", EntryPoint = "sched_setscheduler")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int SetScheduler(int thread, int policy, in int priority);
}
