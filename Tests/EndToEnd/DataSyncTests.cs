using Microsoft.Extensions.DependencyInjection;
using OrleansChat.Grains.Interfaces;
using OrleansChat.Tests.Support;

namespace OrleansChat.Tests.EndToEnd;

/// <summary>What acks wait for in one process.</summary>
public sealed class DataSyncTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("orleanschat-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Theory]
    [InlineData("full", true)]
    [InlineData("normal", false)]
    public async Task An_ack_waits_for_the_disk_unless_it_need_not_survive_a_power_cut(string sync, bool waits)
    {
        await using var app = await ChatApp.StartAsync(("Chat:DataPath", Path.Combine(_directory, "chat.db")), ("Chat:DataSync", sync));
        Assert.Equal(waits, app.Services.GetRequiredService<IStoreSync>().IsNeeded);

        await using var alice = await app.ConnectAsync("alice");
        await alice.JoinAsync("lobby");
        Assert.Equal(1, (await alice.PublishAsync("lobby", "m1", "hi")).GetProperty("seq").GetInt64());
    }
}
