using System.Net.Sockets;
using OrleansChat.Tests.Support;
using OrleansChat.WebFront.Sockets;

namespace OrleansChat.Tests.EndToEnd;

/// <summary>A front that may have no more files and sockets.</summary>
public sealed class DescriptorTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("orleanschat-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task Who_comes_when_there_are_no_descriptors_left_waits_and_is_taken_when_there_are()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Counts descriptors in /proc and limits them with prlimit.");
        using var front = await FrontProcess.StartAsync(Path.Combine(_directory, "chat.db"));
        await using var alice = await front.ConnectAsync("alice"); // Whatever a first connection opens is open.
        await alice.NextAsync("alice is connected");
        await alice.JoinAsync("general");
        await front.LimitDescriptorsAsync(more: DescriptorLimit.KeptFree + 10);

        var crowd = new List<TcpClient>();
        try
        {
            for (var i = 0; i < 40; i++)
            {
                var one = new TcpClient();
                crowd.Add(one);
                await one.ConnectAsync(front.Address.Host, front.Address.Port, TestContext.Current.CancellationToken);
            }

            Func<bool> toldSo = () => front.Output.Contains("No more connections can be taken for now (TooManyOpenSockets)", StringComparison.Ordinal);
            await toldSo.Soon("the front says that it can take no more");
            await alice.PublishAsync("general", "1", "still here");
        }
        finally
        {
            crowd.ForEach(one => one.Dispose());
        }

        await using var bob = await front.ConnectAsync("bob");
        await bob.NextAsync("bob is connected");
        await bob.JoinAsync("general");
    }
}
