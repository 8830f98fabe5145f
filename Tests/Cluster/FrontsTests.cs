using Microsoft.Extensions.DependencyInjection;
using Orleans.Streams;
using Orleans.Streams.Core;
using OrleansChat.Grains.Interfaces;
using OrleansChat.Tests.Support;

namespace OrleansChat.Tests.Cluster;

/// <summary>What the cluster keeps in Redis of its fronts, and how a front finds out that it was forgotten.</summary>
[Collection(nameof(RedisCluster))]
public sealed class FrontsTests(RedisCluster cluster)
{
    private static readonly TimeSpan Lease = TimeSpan.FromMinutes(5);

    private readonly RedisCluster _cluster = cluster;
    private readonly string _name = $"fronts-{Guid.NewGuid():N}";

    private IFrontsGrain Fronts => _cluster.Client.GetGrain<IFrontsGrain>(IFrontsGrain.Key);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_live_fronts_are_known_after_the_silo_that_knew_them_is_gone(bool gracefully)
    {
        var (first, second) = (new Front($"{_name}-1", "machine", 1, 3), new Front($"{_name}-2", "mächine \"2\"", 2, 0));
        await Fronts.Renew(first, Lease);
        await Fronts.Renew(second, Lease);

        await _cluster.ReplaceAsync(await _cluster.SiloOfAsync(Fronts), gracefully);

        Assert.Equal([first, second], (await _cluster.AskAsync(Fronts.Live)).Where(front => front.Id.StartsWith(_name, StringComparison.Ordinal)));
        await Fronts.Retire(first.Id);
        await _cluster.DeactivateAsync(Fronts);
        Assert.Equal([second], (await Fronts.Live()).Where(front => front.Id.StartsWith(_name, StringComparison.Ordinal)));
        await Fronts.Retire(second.Id);
    }

    [Fact]
    public async Task The_subscriptions_of_a_front_that_died_are_cleared_out_of_redis_and_those_of_others_stay()
    {
        await using var lives = await ClusterFront.StartAsync(_cluster);
        var dead = _name;
        foreach (var stream in StreamsOf(dead))
            await stream.SubscribeAsync((FeedEvent _, StreamSequenceToken? _) => Task.CompletedTask).Soon("the front subscribes to its feeds");
        var noticed = _cluster.Log.LineAsync($"Front {dead} did not renew in time");
        await Fronts.Renew(new Front(dead, "machine", 1, 0), TimeSpan.FromMilliseconds(1));
        await noticed.Soon("the front is taken for dead");
        await Fronts.Live(); // Waits for the turn that does so.

        foreach (var (front, count) in new[] { (dead, 0), (lives.Claims.FrontId, Feeds.Partitions) })
            Assert.Equal(count, (await Task.WhenAll(StreamsOf(front).Select(SubscriptionsAsync))).Sum());
        Assert.Empty(await KeysAsync(dead));
        Assert.Equal(Feeds.Partitions, (await KeysAsync(lives.Claims.FrontId)).Count);
    }

    [Fact]
    public async Task A_subscription_that_was_removed_behind_the_fronts_back_is_made_anew_every_room_caught_up_and_nothing_comes_twice()
    {
        await using var front = await ClusterFront.StartAsync(_cluster);
        var rooms = Enumerable.Range(0, 100).Select(i => $"{_name}-{i}").DistinctBy(Feeds.PartitionOf).ToArray();
        Assert.Equal(Feeds.Partitions, rooms.Length);
        var alice = await front.JoinAsync("alice", rooms);
        foreach (var room in rooms)
            await _cluster.Room(room).Publish(new PublishRequest("bob", "Bob", "1", null));

        var manager = _cluster.AnySilo.GetRequiredService<IStreamSubscriptionManagerAdmin>().GetStreamSubscriptionManager(StreamSubscriptionManagerType.ExplicitSubscribeOnly);
        for (var partition = 0; partition < Feeds.Partitions; partition++)
        {
            var stream = Feeds.Stream(front.Claims.FrontId, partition);
            foreach (var subscription in await manager.GetSubscriptions(Feeds.Provider, stream))
                await manager.RemoveSubscription(Feeds.Provider, stream, subscription.SubscriptionId);
        }

        foreach (var text in new[] { "2", "3" })
        {
            foreach (var room in rooms)
                await _cluster.Room(room).Publish(new PublishRequest("bob", "Bob", text, null));
        }

        front.Loop.Hurry();
        var caughtUp = await alice.ReadToAsync(rooms.ToDictionary(room => room, _ => 3L, StringComparer.Ordinal));
        Assert.All(caughtUp.Values, seen => Assert.Equal(["1 1", "2 2", "3 3"], seen));

        // All partitions are subscribed again, each once.
        Assert.Equal(Feeds.Partitions, (await Task.WhenAll(StreamsOf(front.Claims.FrontId).Select(SubscriptionsAsync))).Sum());
        foreach (var room in rooms)
            await _cluster.Room(room).Publish(new PublishRequest("bob", "Bob", "4", null));
        var live = await alice.ReadToAsync(rooms.ToDictionary(room => room, _ => 4L, StringComparer.Ordinal));
        Assert.All(live.Values, seen => Assert.Equal(["4 4"], seen));
    }

    private static async Task<int> SubscriptionsAsync(IAsyncStream<FeedEvent> stream) => (await stream.GetAllSubscriptionHandles()).Count;

    private async Task<List<string>> KeysAsync(string front)
    {
        var keys = new List<string>();
        await foreach (var key in _cluster.Connection.GetServers()[0].KeysAsync(pattern: $"*{front}*"))
            keys.Add(key!);
        return keys;
    }

    private IEnumerable<IAsyncStream<FeedEvent>> StreamsOf(string front) =>
        Enumerable.Range(0, Feeds.Partitions).Select(partition => _cluster.Client.GetStreamProvider(Feeds.Provider).GetStream<FeedEvent>(Feeds.Stream(front, partition)));
}
