using System.Globalization;

namespace OrleansChat.Bench.Load;

/// <summary>What a process has used, from <c>/proc</c>.</summary>
internal static class ProcessUse
{
    private const int TicksPerSecond = 100; // USER_HZ is part of Linux' interface

    /// <summary>User and system time of all its threads so far; counted in steps of 10 ms.</summary>
    /// <exception cref="LoadException">There is no such process.</exception>
    public static TimeSpan Cpu(int pid)
    {
        var fields = Read($"/proc/{pid}/stat", pid);
        // The name stands in parentheses and may hold anything; what is counted begins behind it, at field 3.
        var counted = fields[(fields.LastIndexOf(')') + 2)..].Split(' ');
        var ticks = long.Parse(counted[11], CultureInfo.InvariantCulture) + long.Parse(counted[12], CultureInfo.InvariantCulture);
        return TimeSpan.FromSeconds((double)ticks / TicksPerSecond);
    }

    /// <summary>
    /// Proportional set size; the resident set where the kernel does not tell it to us. Not to be asked for in the middle of a run: the kernel goes through all that the process
    /// has mapped, which takes some 10 ms for one of .NET's, and neither it nor this generator gets far meanwhile.
    /// </summary>
    /// <exception cref="LoadException">There is no such process.</exception>
    public static long Kib(int pid)
    {
        try
        {
            return Find(File.ReadAllText($"/proc/{pid}/smaps_rollup"), "\nPss:");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Find(Read($"/proc/{pid}/status", pid), "\nVmRSS:");
        }
    }

    private static long Find(string text, string name)
    {
        var start = text.IndexOf(name, StringComparison.Ordinal) + name.Length;
        return long.Parse(text[start..text.IndexOf("kB", start, StringComparison.Ordinal)], CultureInfo.InvariantCulture);
    }

    private static string Read(string path, int pid)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new LoadException($"There is no process {pid.ToString(CultureInfo.InvariantCulture)} (--pid), or it ended during the run.");
        }
    }
}
