using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.Persistence;
using Orleans.Statistics;
using OrleansChat.Grains.Interfaces;
using OrleansChat.Grains.Logs;
using OrleansChat.Grains.Storage;
using OrleansChat.Streaming;
using StackExchange.Redis;

namespace OrleansChat.Grains;

/// <summary>Puts the chat's grains into a silo.</summary>
public static class ChatSilo
{
    /// <summary>Logs and grain state in one SQLite file (<c>Chat:DataPath</c>); this process is the whole cluster.</summary>
    public static ISiloBuilder UseEmbeddedStore(this ISiloBuilder silo)
    {
        silo.Services.AddSingleton(services =>
        {
            var options = services.GetRequiredService<IOptions<GrainOptions>>().Value;
            return new SqliteFile(
                options.DataPath, options.DataSync == "normal" ? DataSync.Normal : DataSync.Full, services.GetRequiredService<ILogger<SqliteFile>>(),
                refused: () =>
                {
                    Environment.ExitCode = 1; // Whoever watches over the process starts it again, and it takes what the disk has.
                    services.GetRequiredService<IHostApplicationLifetime>().StopApplication();
                });
        });
        silo.Services.AddSingleton<IStoreSync>(services => services.GetRequiredService<SqliteFile>());
        silo.Services.AddHostedService<SqliteStart>();
        silo.Services.AddSingleton<IEnvironmentStatisticsProvider, NoStatistics>();
        silo.Services.Configure<DeploymentLoadPublisherOptions>(load => load.DeploymentLoadPublisherRefreshTime = TimeSpan.Zero); // Never: it tells other silos.
        silo.Services.AddSingleton<ILogStore, SqliteLogStore>();
        silo.AddSqliteGrainStorage(GrainStores.Default);
        silo.AddMemoryGrainStorage(GrainStores.PubSub);
        return silo.AddChat();
    }

    /// <summary>Logs, grain state and stream subscriptions in Redis, for any number of silos. The silo waits for Redis before it joins the cluster.</summary>
    /// <param name="silo">The silo.</param>
    /// <param name="redis">Where, from <c>ConnectionStrings:Redis</c>.</param>
    public static ISiloBuilder UseRedisStore(this ISiloBuilder silo, ConfigurationOptions redis)
    {
        silo.Services.AddSingleton(services => ActivatorUtilities.CreateInstance<RedisGate>(services, redis));
        silo.Services.AddSingleton<ILifecycleParticipant<ISiloLifecycle>>(services => services.GetRequiredService<RedisGate>());
        silo.Services.AddSingleton<ILogStore>(services => services.GetRequiredService<RedisGate>().OpenLogs());
        silo.Services.AddSingleton<IStoreSync, NoStoreSync>();
        silo.AddRedisGrainStorage(GrainStores.Default, storage => storage.Configure<RedisGate>(Share));
        silo.AddRedisGrainStorage(GrainStores.PubSub, storage => storage.Configure<RedisGate>(Share));
        return silo.AddChat();

        // With connections of its own grain storage would end the silo's start where Redis is away again by then; this one is there, and mends itself.
        void Share(RedisStorageOptions storage, RedisGate gate)
        {
            storage.ConfigurationOptions = redis;
            storage.CreateMultiplexer = _ => Task.FromResult((gate.Connection, IsShared: true));
            storage.DeleteStateOnClear = true; // Every front that starts has streams of its own: what is empty must not stay for ever.
        }
    }

    private static ISiloBuilder AddChat(this ISiloBuilder silo)
    {
        silo.Services.AddOptions<GrainOptions>().BindConfiguration(GrainOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        silo.Services.TryAddSingleton(TimeProvider.System);
        silo.Services.AddSingleton<ActiveRooms>();
        silo.Services.AddSingleton<IActiveRooms>(services => services.GetRequiredService<ActiveRooms>());
        silo.Services.Configure<SiloMessagingOptions>(messaging =>
        {
            messaging.ResponseTimeout = Deadlines.Call;
            messaging.ClientDropTimeout = TimeSpan.FromSeconds(30);
        });
        silo.AddLocalQueueStreams(Feeds.Provider);
        return silo;
    }
}
