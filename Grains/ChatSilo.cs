using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using OrleansChat.Grains.Interfaces;
using OrleansChat.Grains.Logs;
using OrleansChat.Grains.Storage;
using OrleansChat.Streaming;

namespace OrleansChat.Grains;

/// <summary>Puts the chat's grains into a silo.</summary>
public static class ChatSilo
{
    /// <summary>Longer than the store's deadline (3 s), shorter than a session's (6 s). Orleans' 30 s would be the pause of every room of a silo that is killed.</summary>
    public static readonly TimeSpan CallDeadline = TimeSpan.FromSeconds(5);

    /// <summary>Logs and grain state in one SQLite file (<c>Chat:DataPath</c>); this process is the whole cluster.</summary>
    public static ISiloBuilder UseEmbeddedStore(this ISiloBuilder silo)
    {
        silo.Services.AddSingleton(services =>
        {
            var options = services.GetRequiredService<IOptions<GrainOptions>>().Value;
            return new SqliteFile(options.DataPath, options.DataSync == "normal" ? DataSync.Normal : DataSync.Full);
        });
        silo.Services.AddSingleton<ILogStore, SqliteLogStore>();
        silo.AddSqliteGrainStorage(GrainStores.Default);
        silo.AddMemoryGrainStorage(GrainStores.PubSub);
        return silo.AddChat();
    }

    private static ISiloBuilder AddChat(this ISiloBuilder silo)
    {
        silo.Services.AddOptions<GrainOptions>().BindConfiguration(GrainOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        silo.Services.TryAddSingleton(TimeProvider.System);
        silo.Services.Configure<SiloMessagingOptions>(messaging =>
        {
            messaging.ResponseTimeout = CallDeadline;
            messaging.ClientDropTimeout = TimeSpan.FromSeconds(30);
        });
        silo.AddLocalQueueStreams(Feeds.Provider);
        return silo;
    }
}
