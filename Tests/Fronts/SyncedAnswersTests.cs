using System.Text.Json;
using OrleansChat.Grains.Interfaces;
using OrleansChat.Tests.Support;
using OrleansChat.WebFront.Sockets;

namespace OrleansChat.Tests.Fronts;

/// <summary>A front whose rooms' store is in its own process: who speaks is answered when the disk has it.</summary>
public sealed class SyncedAnswersTests
{
    private readonly HeldSync _sync = new();
    private readonly TestFront _front;
    private readonly TestSession _alice;

    public SyncedAnswersTests()
    {
        _front = new TestFront(sync: _sync);
        _alice = _front.Connect();
    }

    private FakeRoom Room => _front.Cluster.Room("lobby");

    [Fact]
    public async Task What_was_said_is_delivered_before_the_disk_has_it_and_acknowledged_afterwards()
    {
        await JoinAsync();
        _sync.Hold();
        await SayAsync("1");
        await _sync.Asked.Soon("the disk is asked");
        _front.Hub.OnFeedEvent(Room.Append());
        Assert.Contains("chat_message", Assert.Single(_alice.Frames.Skip(1)), StringComparison.Ordinal);

        _sync.Release();

        await _front.UntilAsync(() => _alice.Frames.Count == 3, "the message is acknowledged");
        Assert.Equal(Ack("1"), _alice.Frames[2]);
    }

    [Fact]
    public async Task The_next_call_does_not_wait_for_the_disk_and_acks_keep_their_order()
    {
        await JoinAsync();
        _sync.Hold();
        for (var i = 1; i <= 5; i++)
        {
            await SayAsync($"{i}");
            await _front.UntilAsync(() => Room.InProcess == i, $"message {i} is stored");
        }

        Assert.Single(_alice.Frames);
        _sync.Release();

        await _front.UntilAsync(() => _alice.Frames.Count == 6, "all are acknowledged");
        Assert.Equal(Enumerable.Range(1, 5).Select(i => Ack($"{i}")), _alice.Frames.Skip(1));
    }

    [Fact]
    public async Task Where_the_disk_does_not_have_it_the_outcome_is_unknown_and_a_refusal_stays_what_it_is()
    {
        await JoinAsync();
        _sync.Hold();
        await SayAsync("1");
        await _sync.Asked.Soon("the disk is asked");
        await SayAsync("2");
        await _front.UntilAsync(() => Room.InProcess == 2, "the second is stored");
        Room.OnPublish = requests => Task.FromResult(Array.ConvertAll(requests, _ => PublishAnswer.Refused(ChatError.IdConflict)));
        await SayAsync("3");
        await _front.UntilAsync(() => Room.InProcess == 3, "the third is refused");

        _sync.Refusal = new TimeoutException("The disk does not answer.");
        _sync.Release();

        await _front.UntilAsync(() => _alice.Frames.Count == 4, "all are answered");
        Assert.Equal(["unavailable 1", "unavailable 2", "id_conflict 3"], _alice.Frames.Skip(1).Select(CodeAndId));
    }

    [Fact]
    public async Task The_disk_is_asked_behind_the_writes_and_soon_where_there_are_none()
    {
        var time = new TestTime();
        var front = new TestFront(sync: _sync, writing: time);
        var alice = front.Connect();
        await JoinAsync(front, alice);
        _sync.Hold();
        await SayAsync("1", alice);
        await front.UntilAsync(() => time.Waiting == 1, "the answer waits for what is to be written");
        Assert.False(_sync.Asked.IsCompleted);

        time.Advance(Flushers.LongestWait);

        await _sync.Asked.Soon("the disk is asked");
    }

    [Fact]
    public async Task Where_nothing_has_to_be_synced_the_grain_answers_for_good()
    {
        var front = new TestFront();
        var alice = front.Connect();
        await JoinAsync(front, alice);
        await SayAsync("1", alice);

        await front.UntilAsync(() => alice.Frames.Count == 2, "the message is acknowledged");
        Assert.Equal(Ack("1"), alice.Frames[1]);
        Assert.Equal(0, front.Cluster.Room("lobby").InProcess);
    }

    [Fact]
    public async Task A_room_of_this_process_that_does_not_answer_is_unavailable_as_soon_as_one_elsewhere_and_the_next_message_goes_on()
    {
        await JoinAsync();
        var publish = Room.OnPublish;
        Room.OnPublish = _ => new TaskCompletionSource<PublishAnswer[]>().Task;
        var sent = _front.Time.GetTimestamp();
        await SayAsync("1");
        await _front.UntilAsync(() => _alice.Frames.Count == 2, "the first is answered");
        Assert.InRange(_front.Time.GetElapsedTime(sent), Deadlines.Call, Deadlines.Call + TimeSpan.FromMilliseconds(100));
        Room.OnPublish = publish;
        await SayAsync("2");

        await _front.UntilAsync(() => _alice.Frames.Count == 3, "the second is acknowledged");
        Assert.Equal("unavailable 1", CodeAndId(_alice.Frames[1]));
        Assert.Equal(Ack("2"), _alice.Frames[2]);
    }

    private static string CodeAndId(string error)
    {
        using var json = JsonDocument.Parse(error);
        return $"{json.RootElement.GetProperty("code")} {json.RootElement.GetProperty("id")}";
    }

    private static string Ack(string id) => $$"""{"type":"ack","id":"{{id}}","room":"lobby","seq":1,"timestamp":7}""";

    private Task JoinAsync() => JoinAsync(_front, _alice);

    private static async Task JoinAsync(TestFront front, TestSession alice)
    {
        await alice.SendAsync("""{"type":"join_room","payload":{"room":"lobby"}}""");
        await front.UntilAsync(() => alice.Frames.Count == 1, "alice is in the room");
    }

    private Task SayAsync(string id, TestSession? session = null) =>
        (session ?? _alice).SendAsync($$$"""{"type":"chat_message","id":"{{{id}}}","payload":{"room":"lobby","message":"hi"}}""");
}
