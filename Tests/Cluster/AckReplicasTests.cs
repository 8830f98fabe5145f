using OrleansChat.Grains.Logs;
using OrleansChat.Tests.Support;
using StackExchange.Redis;

namespace OrleansChat.Tests.Cluster;

/// <summary><c>Chat:AckReplicas</c>: what is acknowledged is on the replica.</summary>
public sealed class AckReplicasTests : IAsyncLifetime
{
    private readonly RedisCluster _cluster = new(1, ("Chat:AckReplicas", "1"));
    private RedisServer _replica = null!;

    public async ValueTask InitializeAsync()
    {
        await _cluster.InitializeAsync();
        _replica = await RedisServer.StartAsync("--replicaof", $"127.0.0.1 {_cluster.Redis.Port}");
        await FollowsAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _cluster.DisposeAsync();
        await _replica.DisposeAsync();
    }

    [Fact]
    public async Task A_message_is_acknowledged_when_the_replica_has_it_and_unavailable_while_there_is_none()
    {
        await using var front = await ClusterFront.StartAsync(_cluster);
        var alice = await front.JoinAsync("alice", "room");
        for (var i = 1; i <= 10; i++)
        {
            await alice.SayAsync("room", $"text-{i}", $"id-{i}");
            Assert.Equal($"{i}", await HeadOnReplicaAsync());
        }

        await _replica.KillAsync();
        Assert.Null(await alice.TrySayAsync("room", "text-11", "id-11"));
        Assert.Null(await alice.TrySayAsync("room", "text-11", "id-11")); // It is in the log by now; to say so would confirm what no replica has.

        await _replica.StartAgainAsync();
        await FollowsAsync();
        await alice.SayAsync("room", "text-11", "id-11");
        Assert.Equal("11", await HeadOnReplicaAsync());
        await alice.SayAsync("room", "text-12", "id-12");
        Assert.Equal(Enumerable.Range(1, 12).Select(i => $"text-{i}"), (await _cluster.Room("room").Read(1, 100)).Entries.Select(entry => entry.Text));
    }

    /// <summary>A write that reaches the replica: from now on it follows.</summary>
    private async Task FollowsAsync()
    {
        await _cluster.Database.StringSetAsync("started", "yes");
        Assert.Equal(1, (int)await _cluster.Database.ExecuteAsync("WAIT", 1, 4_000));
    }

    private async Task<string?> HeadOnReplicaAsync()
    {
        await using var connection = await _replica.ConnectAsync();
        return await connection.GetDatabase().HashGetAsync(new RedisLogKeys(_cluster.ServiceId).Header("room"), "head", CommandFlags.PreferReplica);
    }
}
