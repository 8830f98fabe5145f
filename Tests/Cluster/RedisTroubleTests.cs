using System.Text.Json;
using OrleansChat.Tests.Support;

namespace OrleansChat.Tests.Cluster;

/// <summary>Redis stands still, dies, or is full: nothing is acknowledged that is not stored, and it goes on by itself.</summary>
[Collection(nameof(RedisCluster))]
public sealed class RedisTroubleTests(RedisCluster cluster) : IAsyncLifetime
{
    private readonly RedisCluster _cluster = cluster;
    private readonly string _room = $"trouble-{Guid.NewGuid():N}";
    private ClusterFront _front = null!;

    public async ValueTask InitializeAsync() => _front = await ClusterFront.StartAsync(_cluster);

    public ValueTask DisposeAsync() => _front.DisposeAsync();

    [Fact]
    public async Task While_redis_stands_still_a_publish_is_unavailable_and_its_repeat_is_stored_once()
    {
        var alice = await _front.JoinAsync("alice", _room);
        await alice.SayAsync(_room, "before", "id-1");

        await _cluster.Redis.PauseAsync();
        try
        {
            Assert.Null(await alice.TrySayAsync(_room, "meanwhile", "id-2"));
        }
        finally
        {
            await _cluster.Redis.ResumeAsync();
        }

        var ack = await alice.SayAsync(_room, "meanwhile", "id-2");
        await alice.SayAsync(_room, "after", "id-3");
        Assert.Equal(2, JsonElement.Parse(ack).GetProperty("seq").GetInt64());
        await HoldsAsync(alice, "before", "meanwhile", "after");
    }

    [Fact]
    public async Task A_redis_that_is_killed_and_started_again_has_all_that_was_acknowledged_and_the_room_goes_on()
    {
        var listener = await _front.JoinAsync("listener", _room);
        var speakers = new[] { "alice", "bob" }.Select(user => new Speaker(_cluster.Room(_room), user)).ToList();
        await Task.WhenAll(speakers.Select(speaker => speaker.MoreAsync(20)));
        var epoch = (await _cluster.Room(_room).Read(1, 1)).Epoch;

        await _cluster.CrashRedisAsync();
        await Task.WhenAll(speakers.Select(speaker => speaker.MoreAsync(20)));
        await Task.WhenAll(speakers.Select(speaker => speaker.StopAsync()));

        var acked = speakers.SelectMany(speaker => speaker.Acked).OrderBy(message => message.Key).Select(message => $"{message.Key} {message.Value}").ToList();
        var seen = await listener.ReadToAsync(new Dictionary<string, long>(StringComparer.Ordinal) { [_room] = acked.Count });
        Assert.Equal(acked, seen[_room]);
        var log = await _cluster.Room(_room).Read(1, 1_000);
        Assert.Equal((epoch, acked.Count), (log.Epoch, log.Head));
    }

    [Fact]
    public async Task A_redis_that_is_full_stores_nothing_and_says_so_while_history_can_be_read_and_goes_on_when_there_is_room()
    {
        var alice = await _front.JoinAsync("alice", _room);
        await alice.SayAsync(_room, "before", "id-1");

        await _cluster.Database.ExecuteAsync("CONFIG", "SET", "maxmemory", "1");
        try
        {
            Assert.Null(await alice.TrySayAsync(_room, "too much", "id-2"));
            var page = await _cluster.Room(_room).Read(1, 100).Soon("the log is read");
            Assert.Equal(["before"], page.Entries.Select(entry => entry.Text));
        }
        finally
        {
            await _cluster.Database.ExecuteAsync("CONFIG", "SET", "maxmemory", "0");
        }

        var ack = await alice.SayAsync(_room, "too much", "id-2");
        Assert.False(JsonElement.Parse(ack).TryGetProperty("duplicate", out _));
        await HoldsAsync(alice, "before", "too much");
    }

    /// <summary>The room's log holds exactly this, and the session hears the last of it.</summary>
    private async Task HoldsAsync(ClusterSession session, params string[] texts)
    {
        Assert.Equal(texts, (await _cluster.Room(_room).Read(1, 100)).Entries.Select(entry => entry.Text));
        await session.SendAsync($$$"""{"type":"history","id":"h","payload":{"room":"{{{_room}}}"}}""");
        var history = await session.NextAsync("history", "history is answered");
        Assert.Equal(texts, history.GetProperty("messages").EnumerateArray().Select(message => message.GetProperty("message").GetString()!));
    }
}
