using OrleansChat.Grains.Logs;
using OrleansChat.Tests.Support;
using StackExchange.Redis;

namespace OrleansChat.Tests.Logs;

/// <summary>Appends that count only when a replica has them.</summary>
public sealed class RedisReplicasTests : IAsyncLifetime
{
    private RedisServer _primary = null!;
    private RedisServer _replica = null!;
    private IConnectionMultiplexer _connection = null!;
    private IConnectionMultiplexer _toReplica = null!;

    private static CancellationToken Ended => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _primary = await RedisServer.StartAsync();
        _replica = await RedisServer.StartAsync("--replicaof", $"127.0.0.1 {_primary.Port}");
        _connection = await _primary.ConnectAsync();
        _toReplica = await _replica.ConnectAsync();
        await FollowsAsync(_connection);
    }

    [Fact]
    public async Task An_append_that_succeeded_is_on_the_replica()
    {
        await using var replicas = Replicas(1, TimeSpan.FromSeconds(4));
        var store = new RedisLogStore(_connection, "tests", replicas);
        var log = (await store.OpenAsync("room", create: true, Ended))!;
        for (var head = 0; head < 50; head++)
        {
            Assert.True(await store.AppendAsync("room", new LogPosition(log.Epoch, head), new LogBatch(head + 1, 1, new byte[10]), Ended));
            Assert.Equal($"{head + 1}", await OnReplica("room", "head"));
        }
    }

    [Fact]
    public async Task Appends_of_many_rooms_share_one_wait_and_each_gets_its_own_answer()
    {
        await using var replicas = Replicas(1, TimeSpan.FromSeconds(4));
        var store = new RedisLogStore(_connection, "tests", replicas);
        var rooms = Enumerable.Range(0, 200).Select(i => $"room-{i}").ToList();
        var logs = await Task.WhenAll(rooms.Select(room => store.OpenAsync(room, create: true, Ended)));
        var before = await Waits();

        var appended = await Task.WhenAll(rooms.Select((room, i) => store.AppendAsync(
            room, new LogPosition(logs[i]!.Epoch, i % 2 == 0 ? 0 : 7), new LogBatch(9, 1, new byte[10]), Ended)));

        Assert.Equal(rooms.Select((_, i) => i % 2 == 0), appended);
        Assert.InRange(await Waits() - before, 1, 20);
    }

    [Fact]
    public async Task An_append_that_no_replica_confirms_in_time_fails_and_its_sight_as_well()
    {
        var store = new RedisLogStore(_connection, "tests");
        var log = (await store.OpenAsync("room", create: true, Ended))!;
        await _replica.PauseAsync();
        await using var replicas = Replicas(1, TimeSpan.FromMilliseconds(100));
        var careful = new RedisLogStore(_connection, "tests", replicas);

        var failure = await Assert.ThrowsAsync<RedisException>(
            () => careful.AppendAsync("room", new LogPosition(log.Epoch, 0), new LogBatch(1, 1, new byte[10]), Ended));
        Assert.Contains("Only 0 of 1 replicas (Chat:AckReplicas)", failure.Message, StringComparison.Ordinal);
        // It is in the log nevertheless. Whoever answered a repeat from there would confirm what no replica has.
        Assert.Equal(1, (await store.OpenAsync("room", create: false, Ended))!.Head);
        await Assert.ThrowsAsync<RedisException>(() => careful.OpenAsync("room", create: false, Ended));
        // A refusal needs the replicas as well: the header it was compared with may be lost with them.
        await _replica.ResumeAsync();
        await using var patient = Replicas(1, TimeSpan.FromSeconds(4));
        Assert.Equal(1, (await new RedisLogStore(_connection, "tests", patient).OpenAsync("room", create: false, Ended))!.Head);
        Assert.Equal("1", await OnReplica("room", "head"));
    }

    [Fact]
    public async Task A_wait_on_a_connection_that_took_the_place_of_the_appends_confirms_nothing()
    {
        // Redis dies within a group, and another takes its place: the first append was answered, the second, which is large, is still being sent, and the
        // WAIT behind it goes over the next connection. There a replica confirms at once, and has nothing of what was appended.
        var store = new RedisLogStore(_connection, "tests");
        var logs = await Task.WhenAll(new[] { "answered", "cut" }.Select(room => store.OpenAsync(room, create: true, Ended)));
        var large = new byte[32 << 20];
        "the large one"u8.CopyTo(large);
        await using var next = await RedisServer.StartAsync();
        await using var nextReplica = await RedisServer.StartAsync("--replicaof", $"127.0.0.1 {next.Port}");
        await using var toNext = await next.ConnectAsync();
        await FollowsAsync(toNext);
        await using var proxy = new StallingProxy(_primary.Port, next.Port, "the large one"u8.ToArray(), ":1\r\n"u8.ToArray());
        var (connecting, gathered) = (new TaskCompletionSource(), new TaskCompletionSource());
        await using var replicas = new RedisReplicas(
            async () =>
            {
                connecting.SetResult();
                await gathered.Task;
                return await ConnectionMultiplexer.ConnectAsync($"127.0.0.1:{proxy.Port},asyncTimeout=15000");
            },
            1,
            TimeSpan.FromSeconds(4));
        var careful = new RedisLogStore(_connection, "tests", replicas);

        Task<bool> Append(string room, int log, byte[] payload) => careful.AppendAsync(room, new LogPosition(logs[log]!.Epoch, 0), new LogBatch(1, 1, payload), Ended);
        // The first goes ahead, alone, and while it is under way the others gather.
        var ahead = careful.OpenAsync("ahead", create: true, Ended);
        await connecting.Task.Soon("the first is under way");
        var (answered, cut) = (Append("answered", 0, new byte[10]), Append("cut", 1, large));
        gathered.SetResult();

        await proxy.Stalled.Soon("the connection ends between two appends");
        await ahead.Soon("what goes ahead is confirmed");
        await Assert.ThrowsAnyAsync<RedisException>(() => cut.Soon("the append that was cut fails"));
        var failure = await Assert.ThrowsAnyAsync<RedisException>(() => answered.Soon("the append that was answered fails as well"));
        Assert.Equal("The connection changed before the replicas confirmed the appends.", failure.Message);
    }

    [Fact]
    public async Task A_connection_that_cannot_be_made_fails_the_append_and_is_tried_again_for_the_next()
    {
        var attempts = 0;
        await using var replicas = new RedisReplicas(
            () => ++attempts == 1 ? throw new RedisConnectionException(ConnectionFailureType.UnableToConnect, "no") : _primary.ConnectAsync(),
            1, TimeSpan.FromSeconds(4));
        var store = new RedisLogStore(_connection, "tests", replicas);

        await Assert.ThrowsAsync<RedisConnectionException>(() => store.OpenAsync("room", create: true, Ended));
        Assert.NotNull(await store.OpenAsync("room", create: true, Ended));
    }

    public async ValueTask DisposeAsync()
    {
        await _connection.DisposeAsync();
        await _toReplica.DisposeAsync();
        await _replica.DisposeAsync();
        await _primary.DisposeAsync();
    }

    /// <summary>A write that reaches the replica: from now on it follows.</summary>
    private static async Task FollowsAsync(IConnectionMultiplexer primary)
    {
        await primary.GetDatabase().StringSetAsync("started", "yes");
        Assert.Equal(1, (int)await primary.GetDatabase().ExecuteAsync("WAIT", 1, 4_000));
    }

    private RedisReplicas Replicas(int count, TimeSpan within) => new(() => _primary.ConnectAsync(), count, within);

    private async Task<string?> OnReplica(string room, string field) =>
        await _toReplica.GetDatabase().HashGetAsync(new RedisLogKeys("tests").Header(room), field, CommandFlags.PreferReplica);

    private async Task<long> Waits()
    {
        var stats = await _connection.GetServers()[0].InfoAsync("commandstats");
        var wait = stats.SelectMany(section => section).Single(line => string.Equals(line.Key, "cmdstat_wait", StringComparison.Ordinal)).Value;
        return long.Parse(wait["calls=".Length..wait.IndexOf(',')], System.Globalization.CultureInfo.InvariantCulture);
    }
}
