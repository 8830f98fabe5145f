using System.Text;
using System.Text.Json;
using OrleansChat.Grains;
using OrleansChat.Grains.Interfaces;
using OrleansChat.Grains.Logs;
using OrleansChat.Tests.Support;

namespace OrleansChat.Tests.Cluster;

/// <summary>The log refuses a second writer, stores nothing twice, and says so when it has lost something.</summary>
[Collection(nameof(RedisCluster))]
public sealed class FencingTests(RedisCluster cluster) : IAsyncLifetime
{
    private readonly RedisCluster _cluster = cluster;
    private readonly string _room = $"fence-{Guid.NewGuid():N}";
    private ClusterFront _front = null!;

    public async ValueTask InitializeAsync() => _front = await ClusterFront.StartAsync(_cluster);

    public ValueTask DisposeAsync() => _front.DisposeAsync();

    [Fact]
    public async Task Two_activations_of_a_room_write_one_log_without_a_fork_and_both_remember_what_the_other_stored()
    {
        var listener = await _front.JoinAsync("listener", _room);
        var other = new SecondActivation(new RedisLogStore(_cluster.Connection, _cluster.ServiceId), _room);
        var requests = Enumerable.Range(0, 100).Select(i => new PublishRequest("alice", "Alice", $"text-{i}", $"id-{i}")).ToList();

        // Everything is said to both, at the same time: whoever comes second must know it for a repeat.
        var answers = await Task.WhenAll(requests.SelectMany(request => new[] { SayAsync(request, _cluster.Room(_room).PublishBatch), SayAsync(request, other.PublishAsync) }))
            .Soon("both activations answer everything");

        var log = await _cluster.Room(_room).Read(1, 1_000);
        Assert.Equal(Enumerable.Range(1, 100).Select(seq => (long)seq), log.Entries.Select(entry => entry.Seq));
        Assert.Equal(requests.Select(request => request.Text).Order(StringComparer.Ordinal), log.Entries.Select(entry => entry.Text).Order(StringComparer.Ordinal));
        foreach (var (request, answer) in answers)
        {
            Assert.Equal((log.Epoch, request.Text), (answer.Epoch, log.Entries[answer.Seq - 1].Text));
        }

        Assert.All(answers.GroupBy(answer => answer.Request), pair => Assert.InRange(pair.Count(answer => !answer.Answer.Duplicate), 0, 1));
        var seen = await listener.ReadToAsync(new Dictionary<string, long>(StringComparer.Ordinal) { [_room] = 100 });
        Assert.Equal(log.Entries.Select(entry => $"{entry.Seq} {entry.Text}"), seen[_room]);
    }

    [Fact]
    public async Task An_append_whose_answer_is_lost_is_stored_once_and_the_repeat_is_answered_with_the_first_ones_place()
    {
        var alice = await _front.JoinAsync("alice", _room);
        await alice.SayAsync(_room, "before", "id-0");

        var cut = _cluster.Way.CutAnswerTo(Encoding.UTF8.GetBytes("the one that is cut"));
        Assert.Null(await alice.TrySayAsync(_room, "the one that is cut", "id-1"));
        await cut.Soon("the answer is dropped");
        var ack = await alice.SayAsync(_room, "the one that is cut", "id-1");

        Assert.True(JsonPattern.Matches($$$"""{"type":"ack","id":"id-1","room":"{{{_room}}}","seq":2,"timestamp":"*","duplicate":true}""", JsonElement.Parse(ack)), ack);
        Assert.Equal(["before", "the one that is cut"], (await _cluster.Room(_room).Read(1, 100)).Entries.Select(entry => entry.Text));
    }

    [Theory]
    [InlineData("everything")]
    [InlineData("header")]
    [InlineData("entries")]
    public async Task A_redis_that_comes_back_with_less_begins_a_new_epoch_and_members_are_told(string lost)
    {
        var alice = await _front.JoinAsync("alice", _room);
        for (var i = 1; i <= 3; i++)
            await alice.SayAsync(_room, $"old-{i}", $"id-{i}");
        var epoch = (await _cluster.Room(_room).Read(1, 1)).Epoch;

        await LoseAsync(lost);
        await alice.SendAsync($$$"""{"type":"chat_message","payload":{"room":"{{{_room}}}","message":"new-1"}}""");

        var told = await alice.NextAsync("room_joined", "the member is told of the new epoch");
        Assert.False(told.GetProperty("recovered").GetBoolean());
        Assert.NotEqual(epoch, told.GetProperty("epoch").GetString());
        await SeesAsync(alice, 1, "new-1");
        var ack = await alice.SayAsync(_room, "new-2", "id-1"); // The id belongs to the old epoch.
        Assert.Equal(2, JsonElement.Parse(ack).GetProperty("seq").GetInt64());
        await SeesAsync(alice, 2, "new-2");
        Assert.Equal(["new-1", "new-2"], (await _cluster.Room(_room).Read(1, 100)).Entries.Select(entry => entry.Text));
    }

    private static async Task<(PublishRequest Request, PublishAnswer Answer)> SayAsync(PublishRequest request, Func<PublishRequest[], Task<PublishAnswer[]>> publish)
    {
        while (true)
        {
            var answer = (await publish([request]))[0];
            if (answer.Error is null)
                return (request, answer);
            Assert.Equal(ChatError.Unavailable, answer.Error);
        }
    }

    private static Task<JsonElement> SeesAsync(ClusterSession session, long seq, string text) => session.NextAsync(
        frame => frame.GetProperty("type").GetString() == "chat_message" && frame.GetProperty("seq").GetInt64() == seq && frame.GetProperty("message").GetString() == text, $"'{text}' is delivered");

    private async Task LoseAsync(string lost)
    {
        var keys = new RedisLogKeys(_cluster.ServiceId);
        if (lost == "everything")
            await _cluster.Database.ExecuteAsync("FLUSHALL");
        else
            Assert.True(await _cluster.Database.KeyDeleteAsync(lost == "header" ? keys.Header(_room) : keys.Entries(_room)));
    }

    /// <summary>What a second activation of a room does with its log; turn by turn, as a grain.</summary>
    private sealed class SecondActivation
    {
        private readonly TaskFactory _turns = new(new ConcurrentExclusiveSchedulerPair().ExclusiveScheduler);
        private readonly RoomPump _pump;

        public SecondActivation(ILogStore store, string room)
        {
            var log = new RoomLog(store, room, new GrainOptions(), TimeProvider.System);
            _pump = new RoomPump(log, (_, _) => { }, _ => { }, new GrainOptions().MessageChars, TimeProvider.System);
            log.Opened = _pump.CatchUpAsync;
        }

        public Task<PublishAnswer[]> PublishAsync(PublishRequest[] requests) => _turns.StartNew(() =>
        {
            var pending = new PendingPublish(requests);
            _pump.Post(pending);
            return pending.Answers;
        }).Unwrap();
    }
}
