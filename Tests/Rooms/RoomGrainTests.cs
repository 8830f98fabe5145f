using OrleansChat.Grains.Interfaces;
using OrleansChat.Tests.Support;

namespace OrleansChat.Tests.Rooms;

[Collection(nameof(ChatCluster))]
public sealed class RoomGrainTests(ChatCluster cluster)
{
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(45);

    private readonly string _name = $"room-{Guid.NewGuid():N}";
    private readonly ChatCluster _cluster = cluster;
    private long _version;

    private IRoomGrain Room => _cluster.Client.GetGrain<IRoomGrain>(_name);

    [Fact]
    public async Task A_room_nobody_ever_joined_is_not_found_whatever_is_asked()
    {
        await RefusedAsync(ChatError.NotFound, () => Room.Read(1, 10));
        await RefusedAsync(ChatError.NotFound, () => Room.ReadBefore(long.MaxValue, 10));
        await RefusedAsync(ChatError.NotFound, () => Room.Members(null, 10));
        await RefusedAsync(ChatError.NotFound, () => Room.Publish(Say("hi")));
        Assert.Equal(LeaseOutcome.NotFound, (await Room.Renew(Renewal("front", User("alice")) with { Create = false })).Outcome);
        await RefusedAsync(ChatError.NotFound, () => Room.Read(1, 10));
    }

    [Fact]
    public async Task The_first_who_joins_creates_the_room_and_gets_what_is_published_through_the_feed()
    {
        var feed = await Feed.SubscribeAsync(_cluster);

        var lease = await Room.Renew(Renewal(feed.Front, User("alice")));
        var answer = await Room.Publish(Say("hi"));

        Assert.Equal((LeaseOutcome.Granted, 0, 1), (lease.Outcome, lease.Head, lease.Members));
        Assert.Equal((lease.Epoch, 1), (answer.Epoch, answer.Seq));
        Assert.Equal("alice", Assert.Single((await feed.NextAsync<FeedEvent.Presence>("the front hears of the join")).Changes).UserId);
        var news = await feed.NextAsync<FeedEvent.Published>("the front hears of the message");
        Assert.Equal((_name, lease.Epoch), (news.Room, news.Epoch));
        Assert.Equal([new Entry(1, "alice", "Alice", "hi", answer.Timestamp)], news.Entries);
    }

    [Fact]
    public async Task What_is_stored_is_streamed_at_once_and_confirmed_when_it_is_on_the_disk()
    {
        var feed = await Feed.SubscribeAsync(_cluster);
        await Room.Renew(Renewal(feed.Front, User("alice")));
        _cluster.Sync.Hold();
        try
        {
            var confirmed = Room.Publish(Say("hi"));
            await feed.NextAsync<FeedEvent.Published>("the front hears of the message");
            await _cluster.Sync.Asked.Soon("the disk is asked");
            Assert.True(_cluster.Active.TryPublish(_name, [Say("ho")], out var sooner));
            Assert.Equal(2, Assert.Single(await sooner.Soon("who waits for the disk itself is answered sooner")).Seq);
            Assert.False(confirmed.IsCompleted);

            _cluster.Sync.Release();
            Assert.Equal(1, (await confirmed.Soon("the disk has it")).Seq);

            _cluster.Sync.Hold();
            confirmed = Room.Publish(Say("hm"));
            await _cluster.Sync.Asked.Soon("the disk is asked again");
            _cluster.Sync.Refusal = new IOException("no");
            _cluster.Sync.Release();
            await RefusedAsync(ChatError.Unavailable, () => confirmed);
        }
        finally
        {
            _cluster.Sync.Refusal = null;
            _cluster.Sync.Release();
        }
    }

    [Fact]
    public async Task A_renewal_that_is_older_or_builds_on_another_is_not_taken()
    {
        var first = Renewal("front", User("alice"));
        Assert.Equal(LeaseOutcome.Granted, (await Room.Renew(first)).Outcome);
        Assert.Equal(LeaseOutcome.Stale, (await Room.Renew(first)).Outcome);
        var partial = Renewal("front", User("bob")) with { Full = false, Base = first.Version - 1 };
        Assert.Equal(LeaseOutcome.Resend, (await Room.Renew(partial)).Outcome);
        Assert.Equal(2, (await Room.Renew(partial with { Base = first.Version })).Members);
    }

    [Fact]
    public async Task A_full_room_names_whom_it_refused()
    {
        var lease = await Room.Renew(Renewal("front", User("a"), User("b"), User("c"), User("d")));
        Assert.Equal("d", Assert.Single(lease.Refused));
        Assert.Equal(3, lease.Members);
    }

    [Fact]
    public async Task A_renewal_that_makes_no_sense_is_refused_and_changes_nothing()
    {
        await Room.Renew(Renewal("front", User("alice")));
        await RefusedAsync(ChatError.InvalidPayload, () => Room.Renew(Renewal("front") with { Lease = TimeSpan.Zero }));
        await RefusedAsync(ChatError.InvalidPayload, () => Room.Renew(Renewal("front") with { Lease = TimeSpan.FromHours(1.1) }));
        await RefusedAsync(ChatError.InvalidPayload, () => Room.Renew(Renewal("other", User("alice") with { Connections = -1 })));
        Assert.Equal([new Member("alice", "Alice", 1)], (await Room.Members(null, 10)).Users);
    }

    [Fact]
    public async Task Members_come_in_pages()
    {
        await Room.Renew(Renewal("one", User("alice"), User("bob")));
        await Room.Renew(Renewal("two", User("alice"), User("carol")));

        var first = await Room.Members(null, 2);
        Assert.Equal((3, true), (first.Count, first.More));
        Assert.Equal([new Member("alice", "Alice", 2), new Member("bob", "Bob", 1)], first.Users);
        var second = await Room.Members("bob", 2);
        Assert.Equal((3, false), (second.Count, second.More));
        Assert.Equal([new Member("carol", "Carol", 1)], second.Users);
        Assert.Single((await Room.Members(null, 0)).Users);
        Assert.Equal(3, (await Room.Members(null, int.MaxValue)).Users.Length);
    }

    [Theory]
    [InlineData(1, 2, 1, 2)]
    [InlineData(4, 100, 4, 5)]
    [InlineData(0, 1, 1, 1)]
    [InlineData(0, 2, 1, 2)]
    [InlineData(-7, 2, 1, 2)]
    [InlineData(long.MinValue, 1, 1, 1)]
    [InlineData(1, 0, 1, 1)]
    [InlineData(1, -5, 1, 1)]
    [InlineData(1, int.MaxValue, 1, 5)]
    [InlineData(5, 1, 5, 5)]
    [InlineData(6, 10, 0, 0)]
    [InlineData(long.MaxValue, 1_000, 0, 0)]
    public async Task A_log_is_read_forward_from_where_it_is_asked_or_where_it_begins(long from, int limit, long first, long last) =>
        AssertPage(first, last, await (await FilledAsync()).Read(from, limit));

    [Theory]
    [InlineData(long.MaxValue, 2, 4, 5)]
    [InlineData(long.MaxValue, 5, 1, 5)]
    [InlineData(long.MaxValue, 6, 1, 5)]
    [InlineData(long.MaxValue, int.MaxValue, 1, 5)]
    [InlineData(long.MaxValue, 0, 5, 5)]
    [InlineData(6, 1, 5, 5)]
    [InlineData(5, 2, 3, 4)]
    [InlineData(3, 100, 1, 2)]
    [InlineData(2, 1, 1, 1)]
    [InlineData(1, 10, 0, 0)]
    [InlineData(0, 10, 0, 0)]
    [InlineData(-3, 10, 0, 0)]
    [InlineData(long.MinValue, 10, 0, 0)]
    public async Task A_log_is_read_backward_from_where_it_is_asked_or_where_it_ends(long before, int limit, long first, long last) =>
        AssertPage(first, last, await (await FilledAsync()).ReadBefore(before, limit));

    [Fact]
    public async Task An_empty_room_has_an_empty_page()
    {
        await Room.Renew(Renewal("front", User("alice")));
        foreach (var page in new[] { await Room.Read(1, 10), await Room.ReadBefore(long.MaxValue, 10) })
            Assert.Equal((1, 0, 0), (page.First, page.Head, page.Entries.Length));
    }

    [Fact]
    public async Task What_does_not_fit_is_refused_and_does_not_touch_its_neighbours()
    {
        await Room.Renew(Renewal("front", User("alice")));
        var answers = await Room.PublishBatch(
        [
            Say("1"), Say(""), Say("12345678901"), Say("2") with { Id = "" }, Say("3") with { Id = new string('x', 65) },
            Say("4") with { UserId = "" }, Say("5") with { Username = new string('x', 129) }, Say("6", "id"), Say("7", "id"),
        ]);

        Assert.Equal(
            [
                null, ChatError.InvalidPayload, ChatError.MessageTooLong, ChatError.InvalidPayload, ChatError.InvalidPayload,
                ChatError.InvalidPayload, ChatError.InvalidPayload, null, ChatError.IdConflict,
            ],
            answers.Select(answer => answer.Error));
        Assert.Equal("1 6", string.Join(' ', (await Room.Read(1, 10)).Entries.Select(entry => entry.Text)));
        await RefusedAsync(ChatError.IdConflict, () => Room.Publish(Say("8", "id")));
        await RefusedAsync(ChatError.MessageTooLong, () => Room.Publish(Say("12345678901")));
        await RefusedAsync(ChatError.InvalidPayload, () => Room.Publish(Say("")));
        Assert.True((await Room.Publish(Say("6", "id"))).Duplicate);
        Assert.Empty(await Room.PublishBatch([]));
    }

    [Fact]
    public async Task A_front_that_delivered_more_than_the_log_holds_makes_a_new_epoch()
    {
        var room = await FilledAsync();
        var before = await room.Read(1, 10);

        var lease = await room.Renew(Renewal("front", User("alice")) with { Epoch = before.Epoch, LastSeq = 6 });

        Assert.NotEqual(before.Epoch, lease.Epoch, StringComparer.Ordinal);
        Assert.Equal((LeaseOutcome.Granted, 0), (lease.Outcome, lease.Head));
        Assert.Empty((await room.Read(1, 10)).Entries);
        Assert.Equal(lease.Epoch, (await room.Renew(Renewal("other", User("bob")) with { Epoch = before.Epoch, LastSeq = 6 })).Epoch, StringComparer.Ordinal);
    }

    [Fact]
    public async Task When_a_front_dies_the_others_hear_that_its_users_left()
    {
        var feed = await Feed.SubscribeAsync(_cluster);
        await Room.Renew(Renewal(feed.Front, User("alice")));
        await Room.Renew(Renewal("dead", User("bob")) with { Lease = TimeSpan.FromSeconds(20) });
        Assert.Equal("alice", Assert.Single((await feed.NextAsync<FeedEvent.Presence>("alice joins")).Changes).UserId);
        Assert.Equal("bob", Assert.Single((await feed.NextAsync<FeedEvent.Presence>("bob joins")).Changes).UserId);

        _cluster.Clock.Advance(TimeSpan.FromSeconds(21));

        var left = Assert.Single((await feed.NextAsync<FeedEvent.Presence>("bob leaves, as his front's lease has ended")).Changes);
        Assert.Equal(("bob", false, 1), (left.UserId, left.Joined, left.Members));
        Assert.Equal([new Member("alice", "Alice", 1)], (await Room.Members(null, 10)).Users);
    }

    [Fact]
    public async Task A_room_that_moves_asks_its_fronts_who_is_there_and_streams_to_them_at_once()
    {
        var feed = await Feed.SubscribeAsync(_cluster);
        await Room.Renew(Renewal(feed.Front, User("alice")));
        await _cluster.Client.GetGrain<IManagementGrain>(0).ForceActivationCollection(TimeSpan.Zero, TestContext.Current.CancellationToken).Soon("the room's activation ends");

        await Room.Publish(Say("hi"));

        Assert.Equal(_name, (await feed.NextAsync<FeedEvent.RenewRoom>("the front is asked to renew")).Room);
        Assert.Equal("hi", Assert.Single((await feed.NextAsync<FeedEvent.Published>("the message reaches the front")).Entries).Text);
    }

    [Fact]
    public async Task Typing_reaches_the_fronts_and_the_last_word_follows_within_the_second()
    {
        var feed = await Feed.SubscribeAsync(_cluster);
        await Room.Renew(Renewal(feed.Front, User("alice")));
        await Room.Type("alice", "Alice", isTyping: true);
        await Room.Type("alice", "Alice", isTyping: false);

        Assert.Equal(new FeedEvent.Typing(_name, "alice", "Alice", true), await feed.NextAsync<FeedEvent.Typing>("alice types"));
        Assert.Equal(new FeedEvent.Typing(_name, "alice", "Alice", false), await feed.NextAsync<FeedEvent.Typing>("alice stops typing"));
    }

    [Fact]
    public async Task Above_the_limit_for_details_a_room_tells_how_many_there_are_and_not_who()
    {
        var feed = await Feed.SubscribeAsync(_cluster);
        await Room.Renew(Renewal(feed.Front, User("alice"), User("bob"), User("carol")));
        Assert.Equal(new FeedEvent.Occupancy(_name, 3), await feed.NextAsync("the front hears how many there are"));
    }

    private static PublishRequest Say(string text, string? id = null) => new("alice", "Alice", text, id);

    private static MemberChange User(string id) => new(id, char.ToUpperInvariant(id[0]) + id[1..], 1, IsNew: true);

    private static async Task RefusedAsync(ChatError error, Func<Task> call) =>
        Assert.Equal(error, (await Assert.ThrowsAsync<ChatException>(() => call().Soon("the call is refused"))).Error);

    private static void AssertPage(long first, long last, LogPage page)
    {
        Assert.Equal((1, 5), (page.First, page.Head));
        Assert.Equal(first == 0 ? [] : Enumerable.Range((int)first, (int)(last - first + 1)).Select(seq => $"{seq}"), page.Entries.Select(entry => entry.Text), StringComparer.Ordinal);
        Assert.All(page.Entries, entry => Assert.Equal($"{entry.Seq}", entry.Text, StringComparer.Ordinal));
    }

    private RoomRenewal Renewal(string front, params MemberChange[] users) =>
        new(front, ++_version, Base: 0, Lease, Create: true, Full: true, users, "", 0);

    private async Task<IRoomGrain> FilledAsync()
    {
        await Room.Renew(Renewal("filler", User("alice")));
        await Room.PublishBatch([Say("1"), Say("2")]);
        await Room.PublishBatch([Say("3"), Say("4"), Say("5")]);
        return Room;
    }
}
