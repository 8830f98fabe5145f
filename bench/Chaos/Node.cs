using System.Diagnostics;
using System.Globalization;

namespace OrleansChat.Chaos;

/// <summary>One process of the cluster, under the same name however often it is started. It ends with the checker, however that ends.</summary>
/// <param name="name">"silo-1".</param>
/// <param name="folder">Where what it writes goes, into one file per name.</param>
/// <param name="command">How it is started, made anew each time.</param>
/// <param name="isReady">Asks whether it does its work.</param>
/// <param name="journal">Is told when it ends by itself, or does not end.</param>
/// <param name="clock">The run's.</param>
internal sealed class Node(string name, string folder, Func<NodeCommand> command, Func<Task<bool>> isReady, Journal journal, Clock clock)
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(120);
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(40);

    /// <summary>Within so long a silo that went on has found out that it was given up.</summary>
    private static readonly TimeSpan SecondThoughts = TimeSpan.FromSeconds(15);

    private Process? _process;
    private Process? _watch;
    private bool _isEnding;

    public string Name => name;

    /// <summary>Started, ready, and nothing being done to it.</summary>
    public bool IsUp { get; private set; }

    public bool IsStarted => _process is not null;

    public int ProcessId => _process?.Id ?? throw new InvalidOperationException($"{name} does not run.");

    /// <summary>Starts it and waits until it is ready.</summary>
    public async Task StartAsync(CancellationToken cancellation)
    {
        var (program, arguments, environment) = command();
        var log = Path.Combine(folder, name + ".log");
        // exec keeps the process id; the shell is there for the log alone.
        var start = new ProcessStartInfo("sh", ["-c", "exec \"$@\" >>\"$0\" 2>&1 </dev/null", log, program, .. arguments]) { UseShellExecute = false, WorkingDirectory = folder };
        foreach (var (key, value) in environment)
            start.Environment[key] = value;
        var process = Process.Start(start)!;
        (_process, _isEnding) = (process, false);
        _watch = Process.Start(new ProcessStartInfo("sh", ["-c", $"cat >/dev/null; kill -9 {Id(process)}"]) { RedirectStandardInput = true, UseShellExecute = false })!;
        _ = ObserveAsync(process, cancellation);
        if (!await clock.UntilAsync(async () => process.HasExited || await isReady(), StartLimit, cancellation) || process.HasExited)
            journal.Violate(ViolationKind.Process, "", $"{name} was started and was not ready within {StartLimit.TotalSeconds} s; see {log}");
        else
            IsUp = true;
    }

    /// <summary>As a crash would.</summary>
    public Task KillAsync() => EndAsync("-9", StopLimit);

    /// <summary>As an operator would.</summary>
    public Task StopAsync() => EndAsync("-TERM", StopLimit);

    /// <summary>Stops it in its tracks for a while; connections stay open and nothing answers.</summary>
    /// <param name="span">For how long.</param>
    /// <param name="mayEnd">Whether it may find itself given up by the others, and end: a silo does.</param>
    /// <param name="cancellation">Lets it go on at once.</param>
    /// <returns>False: it has ended.</returns>
    public async Task<bool> StallAsync(TimeSpan span, bool mayEnd, CancellationToken cancellation)
    {
        var process = _process!;
        (IsUp, _isEnding) = (false, mayEnd);
        await SignalAsync("-STOP", process.Id);
        await clock.Delay(span, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await SignalAsync("-CONT", process.Id);
        if (mayEnd && await clock.UntilAsync(() => process.HasExited, SecondThoughts, cancellation))
        {
            await ReleaseAsync();
            await AwaitEndAsync("-CONT", StopLimit);
            return false;
        }

        (IsUp, _isEnding) = (true, false);
        return true;
    }

    /// <summary>Kills several in one go.</summary>
    public static async Task KillAsync(IReadOnlyList<Node> nodes)
    {
        var running = nodes.Where(node => node._process is { HasExited: false }).ToList();
        foreach (var node in running)
            await node.ReleaseAsync();
        await SignalAsync("-9", [.. running.Select(node => node.ProcessId)]);
        foreach (var node in running)
            await node.AwaitEndAsync("-9", StopLimit);
    }

    private async Task EndAsync(string signal, TimeSpan limit)
    {
        await ReleaseAsync();
        await SignalAsync(signal, ProcessId);
        await AwaitEndAsync(signal, limit);
    }

    private async Task ReleaseAsync()
    {
        (IsUp, _isEnding) = (false, true);
        // The watch first: it must not outlive the process whose id it knows.
        _watch!.Kill();
        await _watch.WaitForExitAsync();
        _watch.Dispose();
    }

    private async Task AwaitEndAsync(string signal, TimeSpan limit)
    {
        var process = _process!;
        var ended = process.WaitForExitAsync();
        if (!await clock.UntilAsync(() => ended.IsCompleted, limit, CancellationToken.None))
        {
            journal.Violate(ViolationKind.Process, "", $"{name} did not end within {limit.TotalSeconds} s of kill {signal}");
            process.Kill();
            await ended;
        }
        else if (signal == "-TERM" && process.ExitCode != 0)
        {
            journal.Violate(ViolationKind.Process, "", FormattableString.Invariant($"{name} ended with exit code {process.ExitCode} after SIGTERM"));
        }

        _process = null;
        process.Dispose();
    }

    private async Task ObserveAsync(Process process, CancellationToken cancellation)
    {
        await process.WaitForExitAsync(cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (cancellation.IsCancellationRequested || _isEnding)
            return;
        IsUp = false;
        journal.Violate(ViolationKind.Process, "", FormattableString.Invariant($"{name} ended by itself at {clock.Now.TotalSeconds:0.0} s"));
    }

    private static async Task SignalAsync(string signal, params int[] processIds)
    {
        using var kill = Process.Start("kill", [signal, .. processIds.Select(id => id.ToString(CultureInfo.InvariantCulture))]);
        await kill.WaitForExitAsync();
    }

    private static string Id(Process process) => process.Id.ToString(CultureInfo.InvariantCulture);
}

/// <summary>How a process is started.</summary>
internal sealed record NodeCommand(string Program, IReadOnlyList<string> Arguments, IReadOnlyDictionary<string, string> Environment);
