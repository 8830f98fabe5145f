using OrleansChat.Grains.Interfaces;
using OrleansChat.Tests.Rooms;
using OrleansChat.Tests.Support;

namespace OrleansChat.Tests.Users;

[Collection(nameof(ChatCluster))]
public sealed class FrontsGrainTests(ChatCluster cluster)
{
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(30);

    private readonly ChatCluster _cluster = cluster;

    private IFrontsGrain Fronts => _cluster.Client.GetGrain<IFrontsGrain>(IFrontsGrain.Key);

    [Fact]
    public async Task The_live_fronts_are_listed_the_oldest_first_each_as_it_last_renewed()
    {
        await Fronts.Renew(new Front("young", "machine", 2, 0), Lease);
        await Fronts.Renew(new Front("old", "machine", 1, 5), Lease);
        await Fronts.Renew(new Front("young", "machine", 2, 7), Lease);
        Assert.Equal([new Front("old", "machine", 1, 5), new Front("young", "machine", 2, 7)], await Fronts.Live());

        await Fronts.Retire("old");
        await Fronts.Retire("young");
        Assert.Empty(await Fronts.Live());
    }

    [Fact]
    public async Task A_front_whose_lease_has_ended_is_not_live_and_its_subscriptions_are_cleared()
    {
        var feed = await Feed.SubscribeAsync(_cluster);
        await Fronts.Renew(new Front(feed.Front, "machine", 1, 0), Lease);
        var noticed = _cluster.Log.LineAsync($"Front {feed.Front} did not renew in time");

        _cluster.Clock.Advance(Lease);

        Assert.Empty(await Fronts.Live());
        await noticed.Soon("the front is taken for dead");
        await Fronts.Live(); // Waits for the turn that does so.
        Assert.Equal(0, await feed.SubscriptionsAsync());
    }

    [Fact]
    public async Task A_front_that_says_goodbye_is_forgotten_at_once_and_others_keep_their_subscriptions()
    {
        var (goes, stays) = (await Feed.SubscribeAsync(_cluster), await Feed.SubscribeAsync(_cluster));
        await Fronts.Renew(new Front(goes.Front, "machine", 1, 0), Lease);
        await Fronts.Renew(new Front(stays.Front, "machine", 2, 0), Lease);

        await Fronts.Retire(goes.Front);

        Assert.Equal(stays.Front, Assert.Single(await Fronts.Live()).Id);
        Assert.Equal((0, Feeds.Partitions), (await goes.SubscriptionsAsync(), await stays.SubscriptionsAsync()));
        await Fronts.Retire(stays.Front);
    }

    [Fact]
    public async Task An_activation_that_is_new_knows_the_fronts_and_broadcasts_to_them_at_once()
    {
        var feed = await Feed.SubscribeAsync(_cluster);
        await Fronts.Renew(new Front(feed.Front, "machine", 1, 0), Lease);
        await _cluster.Client.GetGrain<IManagementGrain>(0).ForceActivationCollection(TimeSpan.Zero, TestContext.Current.CancellationToken).Soon("the activation ends");

        await Fronts.Broadcast(new Broadcast("admin", "hello", ["a"], ["b"]));

        var sent = await feed.NextAsync<FeedEvent.BroadcastSent>("the front hears of the broadcast");
        Assert.Equal(("admin", "hello", "a", "b"), (sent.Broadcast.From, sent.Broadcast.Message, sent.Broadcast.Include[0], sent.Broadcast.Exclude[0]));
        await Fronts.Retire(feed.Front);
    }

    [Fact]
    public async Task A_broadcast_that_is_empty_too_long_or_names_too_many_is_refused()
    {
        var many = Enumerable.Range(0, 1_001).Select(i => $"{i}").ToArray();
        foreach (var broadcast in new[] { new Broadcast("a", "", [], []), new Broadcast("a", "12345678901", [], []), new Broadcast("a", "hi", many, []), new Broadcast("a", "hi", [], many) })
            Assert.Equal(ChatError.InvalidPayload, (await Assert.ThrowsAsync<ChatException>(() => Fronts.Broadcast(broadcast))).Error);
    }
}
