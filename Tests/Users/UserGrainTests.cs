using OrleansChat.Grains.Interfaces;
using OrleansChat.Tests.Rooms;
using OrleansChat.Tests.Support;

namespace OrleansChat.Tests.Users;

[Collection(nameof(ChatCluster))]
public sealed class UserGrainTests(ChatCluster cluster)
{
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(45);

    private readonly string _id = $"user-{Guid.NewGuid():N}";
    private readonly ChatCluster _cluster = cluster;
    private long _version;

    private IUserGrain User => _cluster.Client.GetGrain<IUserGrain>(_id);

    [Fact]
    public async Task Connections_are_counted_over_all_fronts_and_those_who_were_here_before_stay()
    {
        Assert.Empty(await RenewAsync("one", "a@10", "b@20"));
        Assert.Equal("d", string.Join(' ', await RenewAsync("two", "c@5", "d@30"))); // three at most: the later of the two newcomers goes
        Assert.Equal("e", string.Join(' ', await RenewAsync("one", "a@10", "b@20", "e@1"))); // connected first, but came last
        Assert.Equal("c a b", await SessionsAsync());
    }

    [Fact]
    public async Task When_a_connection_goes_another_may_come()
    {
        await RenewAsync("one", "a@1", "b@2", "c@3");
        Assert.Equal("d", string.Join(' ', await RenewAsync("two", "d@4")));
        await RenewAsync("one", "a@1", "c@3");
        Assert.Empty(await RenewAsync("two", "d@4"));
        Assert.Equal("a c d", await SessionsAsync());
    }

    [Fact]
    public async Task What_is_older_than_what_the_grain_has_is_ignored()
    {
        await RenewAsync("one", "a@1");
        var late = new UserRenewal("one", _version, Lease, []);
        await User.Renew(late);
        Assert.Equal("a", await SessionsAsync());
        await User.Renew(late with { Version = ++_version });
        Assert.Equal("", await SessionsAsync());
    }

    [Fact]
    public async Task A_front_that_does_not_renew_loses_its_sessions()
    {
        await User.Renew(new UserRenewal("dead", 1, TimeSpan.FromSeconds(3), [new UserSession("a", "dead", 1)]));
        _cluster.Clock.Advance(TimeSpan.FromSeconds(4));
        Assert.Equal("", await SessionsAsync());
        Assert.Empty(await RenewAsync("one", "b@1", "c@2", "d@3"));
    }

    [Fact]
    public async Task A_message_reaches_the_fronts_that_hold_the_user()
    {
        var feed = await Feed.SubscribeAsync(_cluster);
        await RenewAsync(feed.Front, "a@1");
        await User.Send("system", "hello");

        var sent = await feed.NextAsync<FeedEvent.BroadcastSent>("the message reaches the front");
        Assert.Equal(("system", "hello"), (sent.Broadcast.From, sent.Broadcast.Message));
        Assert.Equal(_id, Assert.Single(sent.Broadcast.Include));
        Assert.Empty(sent.Broadcast.Exclude);
    }

    [Theory]
    [InlineData("")]
    [InlineData("12345678901")]
    public async Task A_message_that_is_empty_or_too_long_is_refused(string message) => Assert.Equal(
        ChatError.InvalidPayload, (await Assert.ThrowsAsync<ChatException>(() => User.Send("system", message))).Error);

    [Fact]
    public async Task A_disconnect_reaches_the_front_and_says_how_many_were_meant()
    {
        var feed = await Feed.SubscribeAsync(_cluster);
        await RenewAsync(feed.Front, "a@1", "b@2");

        Assert.Equal(1, await User.Disconnect("b", "enough"));
        Assert.Equal(new FeedEvent.Disconnect(_id, "b", "enough"), await feed.NextAsync<FeedEvent.Disconnect>("the front is told"));
        Assert.Equal(2, await User.Disconnect(null, null));
        Assert.Equal(new FeedEvent.Disconnect(_id, null, null), await feed.NextAsync<FeedEvent.Disconnect>("the front is told"));
        Assert.Equal(0, await User.Disconnect("unknown", null));
        Assert.Equal(
            ChatError.InvalidPayload, (await Assert.ThrowsAsync<ChatException>(() => User.Disconnect(null, new string('x', 101)))).Error);
    }

    [Fact]
    public async Task An_activation_that_is_new_tells_every_live_front_as_it_cannot_know_better()
    {
        var feed = await Feed.SubscribeAsync(_cluster);
        var fronts = _cluster.Client.GetGrain<IFrontsGrain>(IFrontsGrain.Key);
        await fronts.Renew(new Front(feed.Front, "machine", 1, 0), Lease);

        Assert.Equal(0, await User.Disconnect(null, null));

        Assert.Equal(_id, (await feed.NextAsync<FeedEvent.Disconnect>("a front that has not renewed the user yet is told")).UserId);
        await fronts.Retire(feed.Front);
    }

    [Fact]
    public async Task New_rooms_are_admitted_up_to_the_rate_and_again_after_a_minute()
    {
        await User.AdmitNewRoom();
        _cluster.Clock.Advance(TimeSpan.FromSeconds(20));
        await User.AdmitNewRoom();

        var refused = await Assert.ThrowsAsync<ChatException>(User.AdmitNewRoom);
        Assert.Equal(ChatError.RateLimited, refused.Error);
        Assert.InRange(refused.RetryAfter!.Value, TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(40));

        _cluster.Clock.Advance(refused.RetryAfter.Value);
        await User.AdmitNewRoom();
        await Assert.ThrowsAsync<ChatException>(User.AdmitNewRoom);
    }

    private async Task<string[]> RenewAsync(string front, params string[] sessions)
    {
        var renewal = new UserRenewal(front, ++_version, Lease, [.. sessions.Select(session => session.Split('@')).Select(at => new UserSession(at[0], front, long.Parse(at[1])))]);
        return (await User.Renew(renewal).Soon("the front renews")).Refused;
    }

    private async Task<string> SessionsAsync() => string.Join(' ', (await User.Sessions()).Select(session => session.ClientId));
}
