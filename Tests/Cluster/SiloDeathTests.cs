using OrleansChat.Tests.Support;

namespace OrleansChat.Tests.Cluster;

/// <summary>A silo goes, and the conversation goes on.</summary>
[Collection(nameof(RedisCluster))]
public sealed class SiloDeathTests(RedisCluster cluster)
{
    private readonly RedisCluster _cluster = cluster;
    private readonly string _name = $"death-{Guid.NewGuid():N}";

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_silo_goes_while_people_talk_and_every_acknowledged_message_is_stored_once_and_delivered_once_in_order(bool gracefully)
    {
        await using var front = await ClusterFront.StartAsync(_cluster);
        var rooms = Enumerable.Range(0, 8).Select(i => $"{_name}-{i}").ToArray();
        var listener = await front.JoinAsync("listener", rooms);
        var speakers = rooms.SelectMany(room => new[] { "alice", "bob" }.Select(user => (Room: room, Speaker: new Speaker(_cluster.Room(room), user)))).ToList();
        await Task.WhenAll(speakers.Select(speaker => speaker.Speaker.MoreAsync(20)));

        var doomed = await _cluster.SiloOfAsync(_cluster.Room(rooms[0]));
        await _cluster.ReplaceAsync(doomed, gracefully);
        await Task.WhenAll(speakers.Select(speaker => speaker.Speaker.MoreAsync(20)));
        await Task.WhenAll(speakers.Select(speaker => speaker.Speaker.StopAsync()));

        var logs = new Dictionary<string, List<string>>(StringComparer.Ordinal);
        foreach (var room in rooms)
            logs[room] = await LogAsync(room);
        foreach (var room in speakers.GroupBy(speaker => speaker.Room, StringComparer.Ordinal))
        {
            var acked = room.SelectMany(speaker => speaker.Speaker.Acked).OrderBy(message => message.Key).Select(message => $"{message.Key} {message.Value}");
            Assert.Equal(acked, logs[room.Key]); // Nobody gave up a message, so nothing else is there either.
        }

        var seen = await listener.ReadToAsync(logs.ToDictionary(log => log.Key, log => (long)log.Value.Count, StringComparer.Ordinal));
        foreach (var room in rooms)
            Assert.Equal(logs[room], seen[room]);
        Assert.NotEqual(doomed.SiloAddress, (await _cluster.SiloOfAsync(_cluster.Room(rooms[0]))).SiloAddress);
    }

    [Fact]
    public async Task A_room_whose_silo_died_fans_out_at_once_to_the_fronts_that_its_log_names()
    {
        await using var front = await ClusterFront.StartAsync(_cluster, leaseRenewal: "00:15:00");
        _cluster.GatewayLostIsTold = false;
        try
        {
            var listener = await front.JoinAsync("listener", _name);
            var speaker = new Speaker(_cluster.Room(_name), "alice");
            await speaker.MoreAsync(1);

            await _cluster.ReplaceAsync(await _cluster.SiloOfAsync(_cluster.Room(_name)), gracefully: false);
            await speaker.MoreAsync(1);
            await speaker.StopAsync();

            var log = await LogAsync(_name);
            Assert.Equal(log, (await listener.ReadToAsync(new Dictionary<string, long>(StringComparer.Ordinal) { [_name] = log.Count }))[_name]);
        }
        finally
        {
            _cluster.GatewayLostIsTold = true;
        }
    }

    /// <summary>What the log holds, "seq text"; a hole would show.</summary>
    private async Task<List<string>> LogAsync(string room)
    {
        var entries = new List<string>();
        while (await _cluster.Room(room).Read(entries.Count + 1, 1_000).Soon("the log is read") is { Entries.Length: > 0 } page)
            entries.AddRange(page.Entries.Select(entry => $"{entry.Seq} {entry.Text}"));
        return entries;
    }
}
