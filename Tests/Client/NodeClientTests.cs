using System.Diagnostics;
using OrleansChat.Tests.Support;

namespace OrleansChat.Tests.Client;

/// <summary>The page's client, <c>orleanschat.js</c>, run by Node against the real server. What it is to do stands in <c>real.mjs</c>.</summary>
public sealed class NodeClientTests
{
    [Fact]
    public async Task The_client_of_the_page_runs_in_Node_and_loses_doubles_and_swaps_nothing_over_cut_connections()
    {
        await using var app = await ChatApp.StartAsync();
        using var node = new Process
        {
            StartInfo = new ProcessStartInfo("node", [Checkout.PathOf("Tests/Client/real.mjs"), $"ws://{app.Address.Authority}/ws", Tokens.Key])
            {
                UseShellExecute = false,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            },
        };
        node.Start();
        var output = node.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        var errors = node.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        try
        {
            await node.WaitForExitAsync(TestContext.Current.CancellationToken).Soon("the script ends");
        }
        finally
        {
            node.Kill(entireProcessTree: true);
        }

        Assert.True(node.ExitCode == 0, $"node ended with {node.ExitCode}\n{await output}{await errors}");
        Assert.Equal(7, (await output).Split('\n').Count(line => line.StartsWith("ok: ", StringComparison.Ordinal)));
    }
}
