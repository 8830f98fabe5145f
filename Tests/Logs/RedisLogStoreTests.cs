using OrleansChat.Grains.Logs;
using OrleansChat.Tests.Support;
using StackExchange.Redis;

namespace OrleansChat.Tests.Logs;

/// <summary>The contract, where logs are kept in Redis, and what only Redis can do to a log.</summary>
public sealed class RedisLogStoreTests : LogStoreContract, IClassFixture<RedisForLogs>
{
    private const string Service = "tests";

    private readonly RedisForLogs _redis;
    private readonly RedisLogKeys _keys = new(Service);

    public RedisLogStoreTests(RedisForLogs redis)
    {
        _redis = redis;
        Store = new RedisLogStore(redis.Connection, Service);
    }

    private protected override ILogStore Store { get; }

    private IDatabase Database => _redis.Connection.GetDatabase();

    [Fact]
    public async Task An_append_whose_answer_is_lost_is_there_once_and_cannot_be_repeated()
    {
        var log = await Filled(3);
        await using var proxy = new CuttingProxy(_redis.Server.Port);
        await using var connection = await _redis.Server.ConnectAsync(proxy.Port);
        var distant = new RedisLogStore(connection, Service);
        Assert.True(await distant.AppendAsync(Room, new LogPosition(log.Epoch, 3), Batch(4), Deadline)); // It works, until:

        var cut = proxy.CutAnswerTo(Payload(5));
        await Assert.ThrowsAnyAsync<RedisException>(
            () => distant.AppendAsync(Room, new LogPosition(log.Epoch, 4), Batch(5), Deadline).Soon("an append without an answer fails"));
        await cut.Soon("the answer is dropped");

        Assert.Equal(5, (await Reopen()).Head);
        Assert.False(await Store.AppendAsync(Room, new LogPosition(log.Epoch, 4), Batch(5), Deadline));
        Assert.Equal([3L, 4, 5], await Lasts(1, 100));
    }

    [Fact]
    public async Task An_append_whose_deadline_passes_while_redis_stands_still_is_there_once_and_cannot_be_repeated()
    {
        var log = await Filled(3);
        using var deadline = new CancellationTokenSource();
        await _redis.Server.PauseAsync();
        try
        {
            var append = Store.AppendAsync(Room, new LogPosition(log.Epoch, 3), Batch(5), deadline.Token);
            await deadline.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => append.Soon("a call ends at its deadline"));
        }
        finally
        {
            await _redis.Server.ResumeAsync();
        }

        Assert.Equal(5, (await Reopen()).Head);
        Assert.False(await Store.AppendAsync(Room, new LogPosition(log.Epoch, 3), Batch(5), Deadline));
        Assert.Equal([3L, 5], await Lasts(1, 100));
    }

    [Fact]
    public async Task A_script_that_redis_has_forgotten_is_sent_again()
    {
        var log = await Filled(3);

        await _redis.Connection.GetServers()[0].ScriptFlushAsync();

        Assert.True(await Store.AppendAsync(Room, new LogPosition(log.Epoch, 3), Batch(4), Deadline));
        Assert.Equal([3L, 4], await Lasts(1, 100));
    }

    [Fact]
    public async Task Deployments_of_different_names_share_a_redis_and_no_logs()
    {
        await Filled(3);
        var other = new RedisLogStore(_redis.Connection, "another");

        Assert.Null(await other.OpenAsync(Room, create: false, Deadline));
        Assert.Throws<ArgumentException>(() => new RedisLogStore(_redis.Connection, "with {braces}"));
    }

    [Fact]
    public async Task Both_keys_of_a_room_lie_on_one_node_of_a_cluster()
    {
        await using var node = await RedisServer.StartAsync("--cluster-enabled", "yes");
        await using var connection = await node.ConnectAsync();
        var slots = new HashSet<long>();
        foreach (var key in new[] { _keys.Header("a/{b}"), _keys.Entries("a/{b}") })
            slots.Add((long)await connection.GetServers()[0].ExecuteAsync("CLUSTER", "KEYSLOT", key));

        Assert.Single(slots);
    }

    protected override async Task DamageAsync(Damage damage)
    {
        switch (damage)
        {
            case Damage.NoHeader:
                await Database.KeyDeleteAsync(_keys.Header(Room));
                break;
            case Damage.NoBatches:
                await Database.KeyDeleteAsync(_keys.Entries(Room));
                break;
            case Damage.OlderHeader:
                await Database.HashSetAsync(_keys.Header(Room), "head", 3);
                break;
            case Damage.OlderBatches: // As a restore of an older copy of this key would.
                await Database.KeyDeleteAsync(_keys.Entries(Room));
                await Database.StreamAddAsync(_keys.Entries(Room), "p", "older", "3-0");
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(damage));
        }
    }
}
