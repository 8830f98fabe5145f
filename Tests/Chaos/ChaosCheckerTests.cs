using System.Diagnostics;
using OrleansChat.Tests.Support;

namespace OrleansChat.Tests.Chaos;

/// <summary>The checker of bench/Chaos against the processes that were built: the promise of a cluster, and that the checker would find it broken.</summary>
[Collection(Alone.Name)]
public sealed class ChaosCheckerTests
{
    /// <summary>A minute where the machine is idle.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    [Fact]
    public async Task A_cluster_whose_silos_fronts_and_Redis_die_keeps_every_acknowledged_message_once_and_in_order()
    {
        var (code, said) = await RunAsync("--mode", "short", "--seed", "1");

        Assert.True(code == 0, said);
        foreach (var fault in new[] { "front kill -9", "silo kill -9", "silo SIGTERM", "Redis stalled", "Redis kill -9" })
            Assert.Contains($"  {fault,-20}   1 times", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_checker_finds_every_fault_that_is_injected()
    {
        var (code, said) = await RunAsync(
            "--mode", "calm", "--duration", "4s", "--silos", "1", "--fronts", "2", "--seed", "1", "--break", "ack-before-append,append-twice,skip-seq,duplicate,reorder,diverge");

        Assert.True(code == 1, said);
        foreach (var kind in new[] { "Lost", "Doubled", "Gap", "Repeat", "Diverged" })
            Assert.True(said.Contains($"  {kind} in room r", StringComparison.Ordinal), $"Nothing of the kind '{kind}' in\n{said}");
    }

    [Fact]
    public async Task An_argument_that_is_not_understood_is_no_proof()
    {
        var (code, said) = await RunAsync("--brake", "skip-seq");

        Assert.Equal((2, "--brake skip-seq is not understood."), (code, said.Trim()));
    }

    private static async Task<(int Code, string Said)> RunAsync(params string[] arguments)
    {
        // The checker ends the processes that it started, also when it is killed itself.
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "OrleansChat.Chaos.dll"), .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        using var checker = Process.Start(start)!;
        try
        {
            var said = Task.WhenAll(
                checker.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken), checker.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken));
            await checker.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(Limit, TestContext.Current.CancellationToken);
            return (checker.ExitCode, string.Concat(await said));
        }
        finally
        {
            if (!checker.HasExited)
                checker.Kill();
        }
    }
}
