using System.Text.Json;
using OrleansChat.Grains.Interfaces;
using OrleansChat.Tests.Support;
using OrleansChat.WebFront;

namespace OrleansChat.Tests.Fronts;

/// <summary>A session's rooms: joining, coming back, looking back, leaving; and what a front tells all its sessions.</summary>
public sealed class SessionRoomsTests
{
    private readonly TestFront _front = new(new FrontOptions { MessagesPerSecond = 0, OutboxBytes = 16_384, RoomsPerConnection = 2 });
    private readonly TestSession _alice;

    public SessionRoomsTests() => _alice = _front.Connect();

    private FakeRoom Room => _front.Cluster.Room("lobby");

    [Fact]
    public async Task Who_comes_back_gets_what_was_missed_then_what_is_new()
    {
        Room.Append(5);

        await AskAsync("""{"type":"join_room","id":"j","payload":{"room":"lobby","since":3,"epoch":"e1"}}""");
        _front.Hub.OnFeedEvent(Room.Append());

        Assert.Equal("""{"type":"room_joined","id":"j","room":"lobby","members":1,"seq":5,"epoch":"e1","recovered":true}""", _alice.Frames[0]);
        Assert.Equal([(4, true), (5, true), (6, false)], Messages());
    }

    [Theory]
    [InlineData("""{"room":"lobby","since":5,"epoch":"e1"}""", true, new long[] { })]
    [InlineData("""{"room":"lobby","since":2,"epoch":"e1"}""", true, new long[] { 3, 4, 5 })]
    [InlineData("""{"room":"lobby","since":1,"epoch":"e1"}""", false, new long[] { 3, 4, 5 })]
    [InlineData("""{"room":"lobby","since":9,"epoch":"e1"}""", false, new long[] { 3, 4, 5 })]
    [InlineData("""{"room":"lobby","since":4,"epoch":"e0"}""", false, new long[] { 3, 4, 5 })]
    [InlineData("""{"room":"lobby","history":2}""", null, new long[] { 4, 5 })]
    [InlineData("""{"room":"lobby","history":0}""", null, new long[] { })]
    public async Task Recovered_says_whether_what_follows_begins_where_the_client_stopped(string payload, bool? recovered, long[] seqs)
    {
        Room.Append(5);
        Room.Trim(kept: 3);

        await AskAsync($$"""{"type":"join_room","payload":{{payload}}}""");

        using var joined = JsonDocument.Parse(_alice.Frames[0]);
        Assert.Equal(recovered, joined.RootElement.TryGetProperty("recovered", out var value) ? value.GetBoolean() : null);
        Assert.Equal(seqs, Messages().Select(message => message.Seq));
    }

    [Fact]
    public async Task A_replay_never_overflows_the_outbox_of_its_own_client()
    {
        Room.Append(1_000);

        await AskAsync("""{"type":"join_room","payload":{"room":"lobby","since":0,"epoch":"e1"}}""");

        Assert.InRange(Messages().Count(), 1, 150);
        await _front.UntilAsync(() => Messages().Count() == 1_000, "all of it is sent");
        Assert.Equal(Enumerable.Range(1, 1_000).Select(seq => ((long)seq, true)), Messages());
    }

    [Fact]
    public async Task A_second_join_is_answered_and_changes_nothing()
    {
        await AskAsync("""{"type":"join_room","payload":{"room":"lobby"}}""");
        _front.Hub.OnFeedEvent(Room.Append());
        await AskAsync("""{"type":"join_room","id":"again","payload":{"room":"lobby","history":0}}""");
        _front.Hub.OnFeedEvent(Room.Append());

        Assert.Equal("""{"type":"room_joined","id":"again","room":"lobby","members":1,"seq":1,"epoch":"e1"}""", _alice.Frames[2]);
        Assert.Equal([(1, false), (2, false)], Messages());
        Assert.Equal(1, Assert.Single(_front.Hub.Rooms).Holders);
    }

    [Fact]
    public async Task Who_left_hears_nothing_more_and_a_room_that_nobody_holds_is_let_go()
    {
        await AskAsync("""{"type":"join_room","payload":{"room":"lobby"}}""");
        await AskAsync("""{"type":"leave_room","id":"l","payload":{"room":"lobby"}}""");
        _front.Hub.OnFeedEvent(Room.Append());
        await AskAsync("""{"type":"leave_room","id":"m","payload":{"room":"lobby"}}""");

        Assert.Equal(
            [
                """{"type":"room_left","id":"l","room":"lobby"}""",
                """{"type":"error","error":"You are not in this room: join it first","code":"not_in_room","id":"m"}""",
            ],
            _alice.Frames.Skip(1));
        Assert.Equal(0, Room.Renewals[^1].Changes.Single().Connections);
        Assert.Empty(_front.Hub.Rooms);
    }

    [Fact]
    public async Task A_join_that_cannot_read_the_log_leaves_nothing_behind()
    {
        Room.OnRead = () => throw new TimeoutException();

        await AskAsync("""{"type":"join_room","id":"j","payload":{"room":"lobby","history":1}}""");

        await _front.UntilAsync(() => !_front.Hub.Rooms.Any(), "the room is let go");
        Assert.Equal("""{"type":"error","error":"The server could not confirm this in time: try again with the same id","code":"unavailable","id":"j"}""", Assert.Single(_alice.Frames));
        Assert.Equal([1, 0], Room.Renewals.Select(renewal => renewal.Changes.Single().Connections));
    }

    [Fact]
    public async Task One_room_too_many_is_refused_and_the_end_of_the_session_leaves_them_all()
    {
        foreach (var room in new[] { "a", "b", "c" })
            await AskAsync($$$"""{"type":"join_room","payload":{"room":"{{{room}}}"}}""");
        Assert.Equal("""{"type":"error","error":"Too many rooms (max 2)","code":"too_many_rooms"}""", _alice.Frames[2]);

        await _alice.Session.EndAsync().Soon("the session ends");

        Assert.Empty(_front.Hub.Rooms);
    }

    [Theory]
    [InlineData("{\"room\":\"lobby\",\"limit\":2}", "4,5", true)]
    [InlineData("{\"room\":\"lobby\",\"before\":4}", "3", false)]
    [InlineData("{\"room\":\"lobby\",\"after\":3,\"limit\":1}", "4", true)]
    [InlineData("{\"room\":\"lobby\",\"after\":4}", "5", false)]
    [InlineData("{\"room\":\"lobby\",\"after\":5}", "", false)]
    public async Task History_is_read_in_pages(string payload, string seqs, bool more)
    {
        Room.Append(5);
        Room.Trim(kept: 3);
        await AskAsync("""{"type":"join_room","payload":{"room":"lobby"}}""");

        await AskAsync($$"""{"type":"history","id":"h","payload":{{payload}}}""");

        using var page = JsonDocument.Parse(_alice.Frames[1]);
        Assert.Equal(seqs, string.Join(',', page.RootElement.GetProperty("messages").EnumerateArray().Select(message => message.GetProperty("seq"))));
        Assert.Equal(more, page.RootElement.GetProperty("more").GetBoolean());
    }

    [Fact]
    public async Task A_page_waits_for_a_client_that_has_not_read_the_one_before()
    {
        Room.Append(200);
        await AskAsync("""{"type":"join_room","payload":{"room":"lobby"}}""");
        await AskAsync("""{"type":"history","payload":{"room":"lobby","limit":200}}""");
        var second = _alice.SendAsync("""{"type":"history","payload":{"room":"lobby","limit":200}}""");
        Assert.False(second.IsCompleted);

        Assert.Equal(2, _alice.Frames.Count);

        await second.Soon("the second page is sent");
        Assert.Equal(3, _alice.Frames.Count);
    }

    [Fact]
    public void A_broadcast_reaches_those_who_are_meant()
    {
        var (bob, carol) = (_front.Connect("bob"), _front.Connect("carol"));

        _front.Hub.OnFeedEvent(new FeedEvent.BroadcastSent(new Broadcast("root", "all", [], ["carol"]), 5));
        _front.Hub.OnFeedEvent(new FeedEvent.BroadcastSent(new Broadcast("root", "one", [bob.Session.ClientId, "carol"], []), 6));

        Assert.Equal(["""{"type":"broadcast","from":"root","message":"all","timestamp":5}"""], _alice.Frames);
        Assert.Equal(["""{"type":"broadcast","from":"root","message":"all","timestamp":5}""", """{"type":"broadcast","from":"root","message":"one","timestamp":6}"""], bob.Frames);
        Assert.Equal(["""{"type":"broadcast","from":"root","message":"one","timestamp":6}"""], carol.Frames);
    }

    [Fact]
    public void A_disconnect_closes_the_users_connections_with_4403_however_long_its_reason()
    {
        var (other, bob) = (_front.Connect(), _front.Connect("bob"));

        _front.Hub.OnFeedEvent(new FeedEvent.Disconnect("alice", _alice.Session.ClientId, new string('語', 100)));
        Assert.Equal([$"\u00113{new string('語', 41)}"], _alice.Frames); // 0x1133 is 4403
        Assert.Empty(other.Frames);

        _front.Hub.OnFeedEvent(new FeedEvent.Disconnect("alice", null, null));
        Assert.Equal(["\u00113Disconnected by an administrator"], other.Frames);
        Assert.Empty(bob.Frames);
    }

    private Task AskAsync(string json) => _alice.SendAsync(json).Soon("the frame is served");

    private IEnumerable<(long Seq, bool IsReplay)> Messages() => _alice.Frames.Select(json => JsonDocument.Parse(json).RootElement)
        .Where(frame => frame.GetProperty("type").GetString() == "chat_message")
        .Select(frame => (frame.GetProperty("seq").GetInt64(), frame.TryGetProperty("replay", out _)));
}
