using OrleansChat.Tests.Support;

namespace OrleansChat.Tests.EndToEnd;

/// <summary>A front with its own data file in a process of its own, to be killed.</summary>
internal sealed class FrontProcess : IDisposable
{
    private const string Listening = "Now listening on: ";

    private readonly AppProcess _process;

    private FrontProcess(string dataPath) => _process = new AppProcess(
        "OrleansChat.WebFront", Listening, "--urls=http://127.0.0.1:0", "--environment=Production",
        $"--Auth:SigningKey={Tokens.Key}", $"--Chat:DataPath={dataPath}", "--Chat:MessagesPerSecond=0", "--Chat:DrainTime=00:00:00");

    /// <inheritdoc cref="AppProcess.Output"/>
    public string Output => _process.Output;

    public Uri Address { get; private set; } = null!;

    /// <summary>Starts it and waits until it listens.</summary>
    public static async Task<FrontProcess> StartAsync(string dataPath)
    {
        var front = new FrontProcess(dataPath);
        try
        {
            var line = await front._process.SignAsync();
            front.Address = new Uri(line[(line.IndexOf(Listening, StringComparison.Ordinal) + Listening.Length)..]);
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
        return (await front._process.ExitAsync(), front.Output);
    }

    public Task<ChatClient> ConnectAsync(string userId) =>
        ChatClient.ConnectAsync(Address, Tokens.For(userId, TimeProvider.System.GetUtcNow().AddHours(1)));

    /// <inheritdoc cref="AppProcess.SchedulingOf"/>
    public IReadOnlyList<string> SchedulingOf(string threads) => _process.SchedulingOf(threads);

    /// <inheritdoc cref="AppProcess.LimitDescriptorsAsync"/>
    public Task LimitDescriptorsAsync(int more) => _process.LimitDescriptorsAsync(more);

    /// <inheritdoc cref="AppProcess.KillAsync"/>
    public Task KillAsync() => _process.KillAsync();

    /// <inheritdoc cref="AppProcess.StopAsync"/>
    public Task<int> StopAsync() => _process.StopAsync();

    public void Dispose() => _process.Dispose();
}
