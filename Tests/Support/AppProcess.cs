using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;

namespace OrleansChat.Tests.Support;

/// <summary>A built application in a process of its own, to be stopped and killed.</summary>
internal sealed class AppProcess : IDisposable
{
    private readonly Process _process;
    private readonly ConcurrentQueue<string> _output = new();
    private readonly string _sign;
    private readonly TaskCompletionSource<string> _shown = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <param name="assembly">The application: <c>OrleansChat.WebFront</c>.</param>
    /// <param name="sign">The part of its output that <see cref="SignAsync"/> waits for.</param>
    /// <param name="arguments">Its command line.</param>
    public AppProcess(string assembly, string sign, params IEnumerable<string> arguments)
    {
        _sign = sign;
        _process = new Process
        {
            StartInfo = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, $"{assembly}.dll"), .. arguments])
            {
                UseShellExecute = false,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            },
            EnableRaisingEvents = true,
        };
        _process.OutputDataReceived += (_, line) => Take(line.Data);
        _process.ErrorDataReceived += (_, line) => Take(line.Data);
        _process.Exited += (_, _) => _shown.TrySetException(new InvalidOperationException($"The application ended and did not say: {_sign}"));
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        _ = _shown.Task.ContinueWith(shown => shown.Exception, TaskScheduler.Default); // Who waits for the end does not wait for the sign.
    }

    /// <summary>All that it wrote.</summary>
    public string Output => string.Join('\n', _output);

    /// <summary>Waits for the sign.</summary>
    /// <returns>The line that it is in.</returns>
    public Task<string> SignAsync() => _shown.Task.Soon($"the application says: {_sign}");

    /// <summary>The scheduling policies of its threads of a name: <c>SCHED_OTHER</c>, <c>SCHED_BATCH</c>. See proc(5), /proc/pid/stat: field 41.</summary>
    public IReadOnlyList<string> SchedulingOf(string threads) =>
    [
        .. Directory.GetDirectories($"/proc/{_process.Id}/task")
            .Select(ReadStat)
            .Where(stat => stat[(stat.IndexOf('(') + 1)..stat.LastIndexOf(')')] == threads)
            .Select(stat => stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[41 - 3])
            .Select(policy => policy switch { "0" => "SCHED_OTHER", "3" => "SCHED_BATCH", _ => policy }),
    ];

    private static string ReadStat(string task)
    {
        try
        {
            return File.ReadAllText(Path.Combine(task, "stat"));
        }
        catch (IOException)
        {
            return "()"; // The thread has ended meanwhile.
        }
    }

    /// <summary>Lets it open only so many files and sockets more than it has.</summary>
    public async Task LimitDescriptorsAsync(int more)
    {
        var limit = Directory.GetFiles($"/proc/{_process.Id}/fd").Length + more;
        using var prlimit = Process.Start("prlimit", ["--pid", _process.Id.ToString(CultureInfo.InvariantCulture), $"--nofile={limit}"]);
        await prlimit.WaitForExitAsync(TestContext.Current.CancellationToken).Soon("prlimit ends");
        Assert.Equal(0, prlimit.ExitCode);
    }

    /// <summary>kill -9.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await ExitAsync();
    }

    /// <summary>kill -TERM.</summary>
    /// <returns>The exit code.</returns>
    public async Task<int> StopAsync()
    {
        using var kill = Process.Start("kill", ["-TERM", _process.Id.ToString(CultureInfo.InvariantCulture)]);
        return await ExitAsync();
    }

    /// <summary>Waits for its end.</summary>
    /// <returns>The exit code.</returns>
    public async Task<int> ExitAsync()
    {
        await _process.WaitForExitAsync(TestContext.Current.CancellationToken).Soon("the application ends");
        return _process.ExitCode;
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill();
        _process.Dispose();
    }

    private void Take(string? line)
    {
        if (line is null)
            return;
        _output.Enqueue(line);
        if (line.Contains(_sign, StringComparison.Ordinal))
            _shown.TrySetResult(line);
    }
}
