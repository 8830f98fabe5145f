using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;
using OrleansChat.Grains.Interfaces;
using OrleansChat.Tests.Support;
using OrleansChat.WebFront;
using OrleansChat.WebFront.Rooms;
using OrleansChat.WebFront.Sockets;

namespace OrleansChat.Tests.Fronts;

/// <summary>A front and its cluster: what is renewed, what is healed, and what becomes of the clients when nobody answers.</summary>
public sealed class LeaseLoopTests : IAsyncDisposable
{
    /// <summary>The loop that renews and the one that watches.</summary>
    private const int Both = 2;

    private readonly TestFront _front = new();
    private readonly FakeFeeds _feeds;
    private readonly FrontFeed _feed;
    private readonly LeaseLoop _loop;

    public LeaseLoopTests()
    {
        _feeds = new FakeFeeds(_front.Cluster);
        _feed = new FrontFeed(_feeds.Cluster, _front.Hub, _front.Claims, NullLogger<FrontFeed>.Instance);
        var lifetime = StandIn.Of<IHostApplicationLifetime>(new Started());
        var drain = new FrontDrain(_front.Hub, new OpenConnections(_front.Options), _front.Options, lifetime, _front.Time, NullLogger<FrontDrain>.Instance);
        _loop = new LeaseLoop(_front.Hub, _feed, _front.Claims, drain, _front.Cluster.Grains, lifetime, _front.Options, _front.Time, NullLogger<LeaseLoop>.Instance);
    }

    [Fact]
    public async Task A_front_that_no_grain_answers_for_a_lease_sends_its_clients_elsewhere_and_takes_new_ones_when_it_is_answered_again()
    {
        await StartAsync();
        var alice = _front.Connect();
        var never = new TaskCompletionSource();
        (_front.Cluster.OnFeedCall, _front.Cluster.Fronts.OnRenew) = (() => never.Task, () => never.Task);

        await _front.UntilAsync(() => alice.Frames.Count == 2, "the client is sent elsewhere");
        Assert.Equal("""{"type":"reconnect","after":1,"reason":"This server has lost its cluster"}""", alice.Frames[0]);
        Assert.Equal("\u0003\uFFFDThis server has lost its cluster", alice.Frames[1]); // 0x03E9, 1001
        Assert.True(_front.Claims.HasRunOut && !_loop.HasCluster);

        _front.Hub.Remove(alice.Session);
        (_front.Cluster.OnFeedCall, _front.Cluster.Fronts.OnRenew) = (() => Task.CompletedTask, () => Task.CompletedTask);
        never.SetResult();
        await _front.UntilAsync(() => _loop.HasCluster, "the front has its cluster again");
        var bob = _front.Connect("bob");
        await PassAsync(TimeSpan.FromMinutes(2));
        Assert.Empty(bob.Frames);
        Assert.True(_loop.HasCluster);
    }

    [Fact]
    public async Task A_store_that_stalls_sends_nobody_elsewhere_and_ends_no_rooms_lease()
    {
        await StartAsync();
        var alice = _front.Connect();
        await alice.SendAsync("""{"type":"join_room","payload":{"room":"lobby"}}""").Soon("the join is answered");
        var renewals = _front.Cluster.Room("lobby").Renewals.Count;
        _front.Cluster.Fronts.OnRenew = () => throw ChatException.Unavailable();

        await PassAsync(TimeSpan.FromMinutes(2));

        Assert.Single(alice.Frames);
        Assert.True(_loop.HasCluster);
        Assert.InRange(_front.Cluster.Room("lobby").Renewals.Count, renewals + 6, int.MaxValue);
    }

    [Fact]
    public async Task A_room_whose_store_stalls_is_still_an_answer()
    {
        await StartAsync();
        var alice = _front.Connect();
        await alice.SendAsync("""{"type":"join_room","payload":{"room":"lobby"}}""").Soon("the join is answered");
        _front.Cluster.Room("lobby").OnRenew = _ => throw ChatException.Unavailable();
        (_front.Cluster.OnFeedCall, _front.Cluster.Fronts.OnRenew) = (() => throw new TimeoutException(), () => throw new TimeoutException());

        await PassAsync(TimeSpan.FromMinutes(2));

        Assert.False(_front.Claims.HasRunOut);
        Assert.Single(alice.Frames);
    }

    [Fact]
    public async Task A_subscription_that_was_lost_is_made_anew_and_the_rooms_are_caught_up()
    {
        await StartAsync();
        var alice = _front.Connect();
        await alice.SendAsync("""{"type":"join_room","payload":{"room":"lobby"}}""").Soon("the join is answered");
        var claim = _front.Hub.Rooms.Single().Claim;
        await _front.UntilAsync(() => _front.Time.GetElapsedTime(_front.Time.GetTimestamp(), claim.RenewAt) > TimeSpan.FromSeconds(10), "the next renewal is later than the look at the feed", Both);
        _front.Cluster.Room("lobby").Append();

        _feeds.Forget(partition: 2);

        await _front.UntilAsync(() => alice.Frames.Count == 2, "what no event brought is sent", Both);
        Assert.Equal(Feeds.Partitions, _feeds.Subscriptions);
    }

    [Fact]
    public async Task A_front_stays_ready_while_it_looks_after_its_feed()
    {
        await StartAsync();
        var look = new TaskCompletionSource();
        var looked = false;
        _front.Cluster.OnFeedCall = () =>
        {
            looked = true;
            return look.Task;
        };

        await _front.UntilAsync(() => looked, "the feed is looked after", Both);

        Assert.True(_loop.HasCluster);
        look.SetResult();
    }

    [Fact]
    public async Task A_front_that_stops_gives_its_subscriptions_back()
    {
        await StartAsync();
        Assert.Equal(Feeds.Partitions, _feeds.Subscriptions);

        await _loop.StopAsync(TestContext.Current.CancellationToken).Soon("the loop stops");

        Assert.Equal(0, _feeds.Subscriptions);
    }

    [Fact]
    public async Task A_sign_of_trouble_has_everything_looked_after_without_waiting_for_its_time()
    {
        await StartAsync();
        var alice = _front.Connect();
        await alice.SendAsync("""{"type":"join_room","payload":{"room":"lobby"}}""").Soon("the join is answered");
        await _front.UntilAsync(() => true, "both loops wait", Both);
        var at = _front.Time.GetUtcNow();
        _front.Cluster.Room("lobby").Append();

        _loop.Hurry();

        while (alice.Frames.Count < 2)
            await Task.Yield();
        Assert.Equal(at, _front.Time.GetUtcNow());
    }

    public async ValueTask DisposeAsync()
    {
        await _loop.StopAsync(CancellationToken.None).Soon("the loop stops");
        _loop.Dispose();
    }

    private async Task StartAsync()
    {
        await _loop.StartAsync(TestContext.Current.CancellationToken).Soon("the loop starts");
        await _feed.FirstComplete.Soon("the feeds are subscribed");
        await _front.UntilAsync(() => _loop.HasCluster, "the front has its cluster", Both);
    }

    private async Task PassAsync(TimeSpan wait)
    {
        var until = _front.Time.GetUtcNow() + wait;
        await _front.UntilAsync(() => _front.Time.GetUtcNow() >= until, "the time passes", Both);
    }

    /// <summary>An application that has started and does not stop.</summary>
    private sealed class Started
    {
        public CancellationToken ApplicationStarted { get; } = new(canceled: true);

        public CancellationToken ApplicationStopping => CancellationToken.None;

        public CancellationToken ApplicationStopped => CancellationToken.None;
    }
}
