using System.Globalization;
using OrleansChat.Grains;
using OrleansChat.Grains.Interfaces;
using OrleansChat.Tests.Support;

namespace OrleansChat.Tests.Rooms;

/// <summary>Rooms whose grains are in the process of who publishes.</summary>
[Collection(nameof(ChatCluster))]
public sealed class ActiveRoomsTests(ChatCluster cluster)
{
    private readonly string _name = $"room-{Guid.NewGuid():N}";
    private readonly ChatCluster _cluster = cluster;

    private IRoomGrain Room => _cluster.Client.GetGrain<IRoomGrain>(_name);

    [Fact]
    public async Task A_room_is_there_from_the_first_publish_on_while_it_is_active_and_both_ways_lead_to_the_same_log()
    {
        Assert.False(_cluster.Active.TryPublish(_name, [Say("1")], out _));
        await CreateAsync();
        Assert.False(_cluster.Active.TryPublish(_name, [Say("1")], out _));
        await Room.Publish(Say("0"));

        Assert.True(_cluster.Active.TryPublish(_name, [Say("1"), Say("far too long for this silo")], out var answers));
        var answered = await answers.Soon("the room answers");
        Assert.Equal([null, ChatError.MessageTooLong], answered.Select(answer => answer.Error));
        Assert.Equal(2, answered[0].Seq);
        Assert.Equal(answered[0] with { Duplicate = true }, await Room.Publish(Say("1")));

        await _cluster.DeactivateAsync(Room);
        Assert.False(_cluster.Active.TryPublish(_name, [Say("1")], out _));
    }

    [Fact]
    public async Task While_activations_come_and_go_nothing_is_lost_doubled_or_reordered()
    {
        const int publishers = 4;
        await CreateAsync();
        var spoken = Enumerable.Range(0, publishers).Select(_ => new List<long>()).ToArray();
        var isOver = false;
        var inProcess = 0;
        var publishing = Task.WhenAll(spoken.Select((seqs, publisher) => Task.Run(async () =>
        {
            while (!Volatile.Read(ref isOver))
            {
                var request = Say(string.Create(CultureInfo.InvariantCulture, $"{publisher}/{seqs.Count}"));
                var here = _cluster.Active.TryPublish(_name, [request], out var answers);
                if (here)
                    Interlocked.Increment(ref inProcess);
                var answer = Assert.Single(await (here ? answers! : Room.PublishBatch([request])).Soon("the room answers"));
                Assert.Null(answer.Error);
                Assert.False(answer.Duplicate);
                seqs.Add(answer.Seq);
            }
        })));

        try
        {
            for (var i = 0; i < 20; i++)
            {
                var before = Volatile.Read(ref inProcess);
                Func<bool> goesOn = () => publishing.IsCompleted || Volatile.Read(ref inProcess) >= before + 50;
                await goesOn.Soon("the room is active again, and used");
                await _cluster.DeactivateAsync(Room);
            }
        }
        finally
        {
            Volatile.Write(ref isOver, true);
        }

        await publishing;
        var log = await EntriesAsync();
        Assert.Equal(spoken.Sum(seqs => seqs.Count), log.Count);
        for (var publisher = 0; publisher < publishers; publisher++)
        {
            var expected = spoken[publisher].Select((seq, i) => (seq, string.Create(CultureInfo.InvariantCulture, $"{publisher}/{i}")));
            Assert.Equal(expected, log.Where(entry => entry.Text.StartsWith($"{publisher}/", StringComparison.Ordinal)).Select(entry => (entry.Seq, entry.Text)));
        }
    }

    [Fact]
    public void What_comes_while_a_turn_is_waited_for_is_taken_together_and_what_came_is_taken_before_the_door_closes()
    {
        var (active, turns, taken) = (new ActiveRooms(), new HeldTurns(), new List<string>());
        var door = new RoomDoor(_name, active, turns, batch => taken.Add(batch[0].Text));
        door.Open();
        foreach (var text in (string[])["1", "2", "3"])
            Assert.True(active.TryPublish(_name, [Say(text)], out _));
        Assert.Empty(taken);
        Assert.Single(turns.Waiting);
        turns.Run();
        Assert.Equal(["1", "2", "3"], taken);

        Assert.True(active.TryPublish(_name, [Say("4")], out _));
        var next = new RoomDoor(_name, active, turns, batch => taken.Add($"next {batch[0].Text}"));
        next.Open();
        door.Close();
        turns.Run();
        Assert.False(door.TryPublish([Say("5")], out _));
        Assert.True(active.TryPublish(_name, [Say("6")], out _));
        turns.Run();
        Assert.Equal(["1", "2", "3", "4", "next 6"], taken);
    }

    [Fact]
    public async Task A_batch_that_cannot_be_taken_and_those_for_which_there_is_no_room_are_refused_and_the_others_are_not()
    {
        var (turns, taken) = (new HeldTurns(), new List<string>());
        var door = new RoomDoor(_name, new ActiveRooms(), turns, batch =>
        {
            if (batch[0].Text == "bad")
                throw new InvalidOperationException("a fault");
            taken.Add(batch[0].Text);
        });
        Assert.True(door.TryPublish([Say("bad")], out var bad));
        for (var i = 1; i < RoomDoor.Capacity; i++)
            Assert.True(door.TryPublish([Say("good")], out _));
        Assert.True(door.TryPublish([Say("one too many")], out var refused));
        Assert.Equal(ChatError.Unavailable, Assert.Single(await refused.Soon("it is refused")).Error);

        turns.Run();
        Assert.Equal(ChatError.Unavailable, Assert.Single(await bad.Soon("it is refused")).Error);
        Assert.True(door.TryPublish([Say("last")], out _));
        turns.Run();
        Assert.Equal(RoomDoor.Capacity, taken.Count);
        Assert.Equal("last", taken[^1]);
    }

    private static PublishRequest Say(string text) => new("alice", "Alice", text, $"id-{text}");

    private Task<RoomLease> CreateAsync() => Room.Renew(new RoomRenewal("filler", 1, Base: 0, TimeSpan.FromSeconds(45), Create: true, Full: true, [new MemberChange("alice", "Alice", 1, IsNew: true)], "", 0));

    private async Task<List<Entry>> EntriesAsync()
    {
        var entries = new List<Entry>();
        while (await Room.Read(entries.Count + 1, 1_000) is { Entries: [_, ..] } page)
            entries.AddRange(page.Entries);
        return entries;
    }

    /// <summary>A grain's turns that come when the test lets them.</summary>
    private sealed class HeldTurns : IWorkItemScheduler
    {
        public Queue<Action> Waiting { get; } = [];

        public void QueueAction(Action action) => Waiting.Enqueue(action);

        public void QueueAction(Action<object> action, object state) => Waiting.Enqueue(() => action(state));

        public void QueueTask(Task task) => Waiting.Enqueue(task.RunSynchronously);

        public void Run()
        {
            while (Waiting.TryDequeue(out var turn))
                turn();
        }
    }
}
