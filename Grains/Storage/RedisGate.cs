using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using OrleansChat.Grains.Logs;
using StackExchange.Redis;

namespace OrleansChat.Grains.Storage;

/// <summary>
/// A silo's way to Redis. It goes no further in its start before Redis answers, however long that takes, and refuses one that would throw acknowledged
/// messages away. From then on the connection mends itself.
/// </summary>
internal sealed partial class RedisGate(
    ConfigurationOptions redis, IOptions<GrainOptions> options, IOptions<ClusterOptions> cluster, TimeProvider time, ILogger<RedisGate> logger)
    : ILifecycleParticipant<ISiloLifecycle>, IAsyncDisposable
{
    private const int OldestMajor = 7;
    private const string PolicyField = "maxmemory_policy:";

    /// <summary>How long an append waits for replicas: shorter than the store's deadline (3 s), so that the caller hears which it was.</summary>
    private static readonly TimeSpan ReplicaDeadline = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(2);

    private ConnectionMultiplexer? _connection;
    private RedisReplicas? _replicas;

    /// <summary>Before everything else that a silo does: joining the cluster needs Redis too.</summary>
    public void Participate(ISiloLifecycle lifecycle) => lifecycle.Subscribe(nameof(RedisGate), int.MinValue, WaitAsync);

    /// <summary>The connection, once Redis has answered.</summary>
    public IConnectionMultiplexer Connection => _connection ?? throw new InvalidOperationException("The silo has not started: Redis has not answered yet.");

    /// <summary>The room logs, once Redis has answered.</summary>
    public ILogStore OpenLogs()
    {
        var replicas = options.Value.AckReplicas;
        if (replicas > 0)
            _replicas = new RedisReplicas(async () => await ConnectionMultiplexer.ConnectAsync(redis.Clone()), replicas, ReplicaDeadline);
        return new RedisLogStore(Connection, cluster.Value.ServiceId, _replicas);
    }

    public async ValueTask DisposeAsync()
    {
        if (_replicas is not null)
            await _replicas.DisposeAsync();
        if (_connection is not null)
            await _connection.DisposeAsync();
    }

    private async Task WaitAsync(CancellationToken cancellation)
    {
        // A connection that is still to come would pass for one that is there, and an unfit Redis for a good one.
        var atOnce = redis.Clone();
        atOnce.AbortOnConnectFail = true;
        for (var pause = FirstPause; ; pause = pause * 2 < LongestPause ? pause * 2 : LongestPause)
        {
            try
            {
                _connection = await ConnectionMultiplexer.ConnectAsync(atOnce);
                await CheckAsync(_connection);
                return;
            }
            catch (RedisException e)
            {
                if (pause == FirstPause)
                    LogWaiting(e.Message);
                if (_connection is not null)
                    await _connection.DisposeAsync();
                await Task.Delay(pause, time, cancellation);
            }
        }
    }

    /// <exception cref="OptionsValidationException">This Redis must not keep a chat's logs.</exception>
    private static async Task CheckAsync(ConnectionMultiplexer connection)
    {
        foreach (var server in connection.GetServers().Where(server => server is { IsConnected: true, IsReplica: false }))
        {
            if (server.Version.Major < OldestMajor)
                throw Refused($"a Redis of version {server.Version}: {OldestMajor}.0 or later is needed.");

            // Told by INFO, which every user may ask, unlike CONFIG.
            var memory = (string?)await server.ExecuteAsync("INFO", "memory") ?? "";
            var policy = memory.Split('\n', StringSplitOptions.TrimEntries).FirstOrDefault(line => line.StartsWith(PolicyField, StringComparison.Ordinal))?[PolicyField.Length..];
            if (policy is not (null or "noeviction"))
                throw Refused($"a Redis whose maxmemory-policy is '{policy}': it would throw acknowledged messages away. Set it to 'noeviction'.");
        }
    }

    private static OptionsValidationException Refused(string what) =>
        new("ConnectionStrings:Redis", typeof(ConfigurationOptions), [$"ConnectionStrings:Redis names {what}"]);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Redis does not answer yet; this silo waits for it: {Reason}")]
    private partial void LogWaiting(string reason);
}
