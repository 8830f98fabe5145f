using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orleans.Configuration;
using Orleans.TestingHost;
using OrleansChat.Grains;
using OrleansChat.Grains.Interfaces;
using OrleansChat.Streaming;
using OrleansChat.Tests.Rooms;
using OrleansChat.Tests.Support;
using StackExchange.Redis;

namespace OrleansChat.Tests.Cluster;

/// <summary>Two silos that keep everything in a Redis of their own, reached by way of a proxy, and a client that reaches them over connections, as a front does.</summary>
public sealed class RedisCluster : IAsyncLifetime
{
    private readonly int _silos;
    private readonly (string Key, string Value)[] _settings;
    private InProcessTestCluster _cluster = null!;

    public RedisCluster()
        : this(2)
    {
    }

    internal RedisCluster(int silos, params (string Key, string Value)[] settings) => (_silos, _settings) = (silos, settings);

    public RedisServer Redis { get; private set; } = null!;

    /// <summary>The test's own connection to Redis, past the proxy.</summary>
    public IConnectionMultiplexer Connection { get; private set; } = null!;

    public IDatabase Database => Connection.GetDatabase();

    /// <summary>Between the silos and Redis.</summary>
    public CuttingProxy Way { get; private set; } = null!;

    public IClusterClient Client => _cluster.Client;

    /// <summary>Orleans' name for this deployment, the first part of every key.</summary>
    public string ServiceId => _cluster.Options.ServiceId;

    internal AwaitedLog Log { get; } = new();

    /// <summary>Called when the client lost a gateway, as <c>ClusterHost</c> has it.</summary>
    internal Action? GatewayLost { get; set; }

    /// <summary>False: fronts are left to find out by themselves.</summary>
    internal bool GatewayLostIsTold { get; set; } = true;

    public async ValueTask InitializeAsync()
    {
        Redis = await RedisServer.StartAsync("--appendonly", "yes", "--appendfsync", "always");
        Connection = await Redis.ConnectAsync();
        Way = new CuttingProxy(Redis.Port);
        var redis = ConfigurationOptions.Parse($"127.0.0.1:{Way.Port}");
        var builder = new InProcessTestClusterBuilder((short)_silos);
        builder.Options.ConfigureFileLogging = false;
        builder.ConfigureHost(host =>
        {
            host.Logging.AddProvider(Log);
            host.Configuration.AddInMemoryCollection(_settings.Select(setting => KeyValuePair.Create(setting.Key, (string?)setting.Value)));
        });
        builder.ConfigureSilo((_, silo) =>
        {
            silo.Configure<ClusterMembershipOptions>(membership => (membership.ProbeTimeout, membership.NumMissedProbesLimit) = (TimeSpan.FromSeconds(1), 3));
            silo.UseRedisStore(redis);
        });
        builder.ConfigureClient(client => client
            .AddGatewayCountChangedHandler((_, change) =>
            {
                if (GatewayLostIsTold && change.NumberOfConnectedGateways < change.PreviousNumberOfConnectedGateways)
                    GatewayLost?.Invoke();
            })
            .Configure<ClientMessagingOptions>(messaging => messaging.ResponseTimeout = Deadlines.Call)
            .AddLocalQueueStreams(Feeds.Provider));
        _cluster = builder.Build();
        await _cluster.DeployAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _cluster.DisposeAsync();
        await Way.DisposeAsync();
        await Connection.DisposeAsync();
        await Redis.DisposeAsync();
    }

    public IRoomGrain Room(string name) => Client.GetGrain<IRoomGrain>(name);

    /// <summary>The silo on which a grain is active. A silo that is gone is not told of.</summary>
    internal async Task<InProcessSiloHandle> SiloOfAsync(IGrain grain)
    {
        var address = await Client.GetGrain<IManagementGrain>(0).GetActivationAddress(grain);
        return _cluster.GetSiloForAddress(Assert.IsType<SiloAddress>(address))!;
    }

    /// <summary>Ends a silo, after which there are as many as before.</summary>
    internal async Task ReplaceAsync(InProcessSiloHandle silo, bool gracefully)
    {
        await (gracefully ? _cluster.StopSiloAsync(silo) : _cluster.KillSiloAsync(silo)).Soon("the silo ends");
        await _cluster.StartAdditionalSiloAsync().Soon("another silo starts");
    }

    /// <summary>
    /// Kills Redis and starts it again. The silos find back by themselves; the test's own connection is made anew, as its driver would take its time and
    /// the next test needs it.
    /// </summary>
    internal async Task CrashRedisAsync()
    {
        await Connection.DisposeAsync();
        await Redis.KillAsync();
        await Redis.StartAgainAsync();
        Connection = await Redis.ConnectAsync();
    }

    /// <summary>Lets an activation end, so that the next call makes a new one.</summary>
    internal Task DeactivateAsync(IGrain grain) => _cluster.DeactivateAsync(grain).Soon("the activation ends");

    /// <summary>Asks again for as long as the client still believes in a silo that is gone.</summary>
    internal async Task<T> AskAsync<T>(Func<Task<T>> ask)
    {
        while (true)
        {
            try
            {
                return await ask().Soon("a silo answers");
            }
            catch (OrleansException)
            {
                TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
            }
        }
    }

    internal IServiceProvider AnySilo => _cluster.Silos[0].ServiceProvider;
}

/// <summary>The classes that share it run one after the other.</summary>
[CollectionDefinition(nameof(RedisCluster))]
public sealed class RedisClusterTests : ICollectionFixture<RedisCluster>;
