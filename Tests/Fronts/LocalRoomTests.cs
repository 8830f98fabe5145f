using OrleansChat.Grains.Interfaces;
using OrleansChat.Tests.Support;

namespace OrleansChat.Tests.Fronts;

/// <summary>A room on a front: what the feed brings, and the log when the feed does not.</summary>
public sealed class LocalRoomTests
{
    private readonly TestFront _front = new();

    private FakeRoom Room => _front.Cluster.Room("lobby");

    [Fact]
    public async Task What_comes_is_sent_once_and_in_order()
    {
        var alice = await JoinedAsync();
        var first = Room.Append(2);

        _front.Hub.OnFeedEvent(first);
        _front.Hub.OnFeedEvent(first);
        _front.Hub.OnFeedEvent(new FeedEvent.Published("lobby", "e1", [.. first.Entries, .. Room.Append().Entries]));

        Assert.Equal([Joined(0, id: "j"), Message(1), Message(2), Message(3)], alice.Frames);
    }

    [Fact]
    public async Task Who_said_something_does_not_wait_for_the_next_batches_and_listens_like_the_others_after_them()
    {
        var alice = await JoinedAsync();
        var seat = alice.Session.Rooms.Seat("lobby");
        Assert.True(seat.MayWait());

        await alice.SendAsync("""{"type":"chat_message","payload":{"room":"lobby","message":"hi"}}""");
        _front.Hub.OnFeedEvent(Room.Append());
        _front.Hub.OnFeedEvent(Room.Append());
        Assert.Equal([false, false, true], [seat.MayWait(), seat.MayWait(), seat.MayWait()]);
    }

    [Fact]
    public async Task A_hole_is_mended_from_the_log_before_anything_later_is_sent()
    {
        var alice = await JoinedAsync();
        Room.Append(250);

        _front.Hub.OnFeedEvent(Room.Append());

        await _front.UntilAsync(() => alice.Frames.Count == 252, "all 251 messages are sent");
        Assert.Equal([Joined(0, id: "j"), .. Enumerable.Range(1, 251).Select(seq => Message(seq))], alice.Frames);
    }

    [Fact]
    public async Task A_lost_end_is_found_by_the_next_renewal()
    {
        var alice = await JoinedAsync();
        Room.Append(3);

        await _front.Hub.Rooms.Single().Claim.RenewAsync().Soon("the lease is renewed");

        await _front.UntilAsync(() => alice.Frames.Count == 4, "the messages that no event brought are sent");
    }

    [Fact]
    public async Task A_log_that_fails_for_a_while_is_asked_again()
    {
        var alice = await JoinedAsync();
        var failures = 3;
        Room.OnRead = () => Interlocked.Decrement(ref failures) >= 0 ? Task.FromException(new TimeoutException()) : Task.CompletedTask;
        Room.Append();

        _front.Hub.OnFeedEvent(Room.Append());

        await _front.UntilAsync(() => alice.Frames.Count == 3, "both messages are sent");
    }

    [Fact]
    public async Task A_hole_that_the_log_does_not_hold_any_more_is_told_and_the_newest_history_follows()
    {
        var alice = await JoinedAsync();
        Room.Append(100);
        Room.Trim(kept: 2);

        _front.Hub.OnFeedEvent(Room.Append());

        await _front.UntilAsync(() => alice.Frames.Count >= 5, "the room begins anew");
        _front.Hub.OnFeedEvent(Room.Append());
        Assert.Equal([Joined(0, id: "j"), Joined(101, recovered: false), Message(99, replay: true), Message(100, replay: true), Message(101, replay: true), Message(102)], alice.Frames);
    }

    [Fact]
    public async Task Another_epoch_is_told_and_its_messages_follow_from_the_first_on()
    {
        var alice = await JoinedAsync();
        _front.Hub.OnFeedEvent(Room.Append(5));
        Room.Lose();

        await _front.Hub.Rooms.Single().Claim.RenewAsync().Soon("the lease is renewed");
        await _front.UntilAsync(() => alice.Frames.Count == 7, "the room begins anew");
        _front.Hub.OnFeedEvent(Room.Append());

        await _front.UntilAsync(() => alice.Frames.Count == 8, "the first message of the new epoch is sent");
        Assert.Equal([Joined(0, epoch: "e2", recovered: false), Message(1, epoch: "e2")], alice.Frames.Skip(6));
    }

    [Fact]
    public async Task What_was_heard_before_the_first_lease_is_read_from_the_log()
    {
        var lease = new TaskCompletionSource<RoomLease>();
        Room.OnRenew = _ => lease.Task;
        var alice = _front.Connect();
        var join = alice.SendAsync("""{"type":"join_room","id":"j","payload":{"room":"lobby"}}""");
        var granted = Room.Granted();

        _front.Hub.OnFeedEvent(Room.Append());
        // The repair may not be through before the seat is taken, or there would be nothing to send.
        var read = new TaskCompletionSource();
        Room.OnRead = () => read.Task;
        lease.SetResult(granted);
        await join.Soon("the join is answered");
        read.SetResult();

        await _front.UntilAsync(() => alice.Frames.Count == 2, "the message that came before the lease is sent");
        Assert.Equal([Joined(0, id: "j"), Message(1)], alice.Frames);
    }

    [Fact]
    public async Task An_epoch_that_was_heard_of_before_the_first_lease_is_read_from_the_log()
    {
        var lease = new TaskCompletionSource<RoomLease>();
        Room.OnRenew = _ => lease.Task;
        Room.Append(5);
        var alice = _front.Connect();
        var join = alice.SendAsync("""{"type":"join_room","id":"j","payload":{"room":"lobby"}}""");
        var granted = Room.Granted();

        Room.Lose();
        _front.Hub.OnFeedEvent(Room.Append());
        // The repair may not be through before the seat is taken, or there would be nothing to send.
        var read = new TaskCompletionSource();
        Room.OnRead = () => read.Task;
        lease.SetResult(granted);
        await join.Soon("the join is answered");
        read.SetResult();

        await _front.UntilAsync(() => alice.Frames.Count == 3, "the room begins anew");
        Assert.Equal([Joined(5, id: "j"), Joined(1, epoch: "e2", recovered: false), Message(1, epoch: "e2", replay: true)], alice.Frames);
    }

    [Fact]
    public async Task Who_joined_later_does_not_hear_of_those_who_were_there()
    {
        Room.OnRenew = _ => Task.FromResult(Room.Granted() with { Revision = 10, Members = 2 });
        var alice = await JoinedAsync();

        _front.Hub.OnFeedEvent(new FeedEvent.Presence("lobby",
        [
            new PresenceChange("bob", "Bob", Joined: true, Members: 2, Timestamp: 5, Revision: 10),
            new PresenceChange("alice", "ALICE", Joined: true, Members: 2, Timestamp: 5, Revision: 11),
            new PresenceChange("carol", "Carol", Joined: true, Members: 3, Timestamp: 6, Revision: 12),
            new PresenceChange("bob", "Bob", Joined: false, Members: 2, Timestamp: 7, Revision: 13),
        ]));

        Assert.Equal(
            [
                """{"type":"user_joined","room":"lobby","userId":"carol","username":"Carol","members":3,"timestamp":6}""",
                """{"type":"user_left","room":"lobby","userId":"bob","username":"Bob","members":2,"timestamp":7}""",
            ],
            alice.Frames.Skip(1));
    }

    [Fact]
    public async Task Typing_goes_to_the_others()
    {
        var alice = await JoinedAsync();
        var bob = await JoinedAsync("bob");

        _front.Hub.OnFeedEvent(new FeedEvent.Typing("lobby", "bob", "Bob", IsTyping: true));
        _front.Hub.OnFeedEvent(new FeedEvent.Occupancy("lobby", 1_234));

        Assert.Equal("""{"type":"typing","room":"lobby","userId":"bob","username":"Bob","isTyping":true}""", alice.Frames[1]);
        Assert.Equal("""{"type":"occupancy","room":"lobby","members":1234}""", bob.Frames[1]);
        Assert.Equal(2, bob.Frames.Count);
    }

    [Fact]
    public async Task A_batch_that_is_not_confirmed_in_time_is_unavailable_and_the_next_goes_on()
    {
        var alice = await JoinedAsync();
        var calls = new List<string[]>();
        var called = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Room.OnPublish = requests =>
        {
            calls.Add([.. requests.Select(request => request.Text)]);
            called.TrySetResult();
            var never = new TaskCompletionSource<PublishAnswer[]>().Task;
            return calls.Count switch
            {
                1 => never.WaitAsync(Deadlines.Call, _front.Time), // as Orleans ends a call that is not answered
                2 => never,
                _ => Task.FromResult(requests.Select((_, i) => new PublishAnswer(null, "e1", i + 1, 7, Duplicate: i == 1)).ToArray()),
            };
        };
        Task SendAsync(string text) => alice.SendAsync($$$"""{"type":"chat_message","id":"{{{text}}}","payload":{"room":"lobby","message":"{{{text}}}"}}""");
        await SendAsync("a");
        await called.Task.Soon("the first is on its way, alone");
        await SendAsync("b");
        var sent = _front.Time.GetTimestamp();

        await _front.UntilAsync(() => calls.Count == 2, "the second is on its way");
        await SendAsync("c");
        await SendAsync("d");
        await _front.UntilAsync(() => alice.Frames.Count == 5, "all four are answered");
        Assert.InRange(_front.Time.GetElapsedTime(sent), Deadlines.Call, Deadlines.Request + TimeSpan.FromMilliseconds(100));
        Assert.Equal(
            [
                Unconfirmed("a"),
                Unconfirmed("b"),
                """{"type":"ack","id":"c","room":"lobby","seq":1,"timestamp":7}""",
                """{"type":"ack","id":"d","room":"lobby","seq":2,"timestamp":7,"duplicate":true}""",
            ],
            alice.Frames.Skip(1));
        Assert.Equal([["a"], ["b"], ["c", "d"]], calls);
    }

    private static string Unconfirmed(string id) =>
        $$"""{"type":"error","error":"The server could not confirm this in time: try again with the same id","code":"unavailable","id":"{{id}}","room":"lobby"}""";

    private async Task<TestSession> JoinedAsync(string userId = "alice")
    {
        var session = _front.Connect(userId);
        await session.SendAsync("""{"type":"join_room","id":"j","payload":{"room":"lobby"}}""").Soon("the join is answered");
        return session;
    }

    private static string Joined(long seq, string? id = null, string epoch = "e1", bool? recovered = null)
    {
        var (request, hole) = (id is null ? "" : $"\"id\":\"{id}\",", recovered is null ? "}" : ",\"recovered\":false}");
        return $$"""{"type":"room_joined",{{request}}"room":"lobby","members":1,"seq":{{seq}},"epoch":"{{epoch}}"{{hole}}""";
    }

    private static string Message(long seq, string epoch = "e1", bool replay = false)
    {
        var ending = replay ? ",\"replay\":true}" : "}";
        return $$"""{"type":"chat_message","room":"lobby","seq":{{seq}},"userId":"bob","username":"Bob","message":"{{epoch}}/{{seq}}","timestamp":{{1_000 + seq}}{{ending}}""";
    }
}
