using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.RegularExpressions;
using OrleansChat.Tests.Support;

namespace OrleansChat.Tests.EndToEnd;

/// <summary>The built application in a process of its own, to be killed.</summary>
internal sealed partial class FrontProcess : IDisposable
{
    private readonly Process _process;
    private readonly ConcurrentQueue<string> _output = new();
    private readonly TaskCompletionSource<Uri> _listening = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private FrontProcess(string dataPath)
    {
        var start = new ProcessStartInfo("dotnet") { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        string[] arguments =
        [
            Path.Combine(AppContext.BaseDirectory, "OrleansChat.WebFront.dll"), "--urls=http://127.0.0.1:0", "--environment=Production",
            $"--Auth:SigningKey={Tokens.Key}", $"--Chat:DataPath={dataPath}", "--Chat:MessagesPerSecond=0", "--Chat:DrainTime=00:00:00",
        ];
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        _process = new Process { StartInfo = start, EnableRaisingEvents = true };
        _process.OutputDataReceived += (_, line) => Take(line.Data);
        _process.ErrorDataReceived += (_, line) => Take(line.Data);
        _process.Exited += (_, _) => _listening.TrySetException(new InvalidOperationException("The application ended before it listened."));
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>All that it wrote.</summary>
    public string Output => string.Join('\n', _output);

    public Uri Address { get; private set; } = null!;

    /// <summary>Starts it and waits until it listens.</summary>
    public static async Task<FrontProcess> StartAsync(string dataPath)
    {
        var front = new FrontProcess(dataPath);
        try
        {
            front.Address = await front._listening.Task.Soon("the application listens");
            return front;
        }
        catch
        {
            front.Dispose();
            throw;
        }
    }

    /// <summary>Starts it where it cannot run, and waits for its end.</summary>
    public static async Task<(int ExitCode, string Output)> RunAsync(string dataPath)
    {
        using var front = new FrontProcess(dataPath);
        _ = front._listening.Task.Exception;
        return (await front.ExitAsync(), front.Output);
    }

    public Task<ChatClient> ConnectAsync(string userId) =>
        ChatClient.ConnectAsync(Address, Tokens.For(userId, TimeProvider.System.GetUtcNow().AddHours(1)));

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
        using var kill = Process.Start("kill", ["-TERM", _process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
        return await ExitAsync();
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill();
        _process.Dispose();
    }

    private async Task<int> ExitAsync()
    {
        await _process.WaitForExitAsync(TestContext.Current.CancellationToken).Soon("the application ends");
        return _process.ExitCode;
    }

    private void Take(string? line)
    {
        if (line is null)
            return;
        _output.Enqueue(line);
        if (ListeningLine().Match(line) is { Success: true } match)
            _listening.TrySetResult(new Uri(match.Groups["url"].Value));
    }

    [GeneratedRegex(@"Now listening on: (?<url>http://127\.0\.0\.1:\d+)", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex ListeningLine();
}
