using Orleans.Configuration;
using OrleansChat.Grains.Interfaces;
using OrleansChat.Streaming;
using OrleansChat.WebFront.Rooms;
using StackExchange.Redis;

namespace OrleansChat.WebFront;

/// <summary>This front as a client of the silos: any number of both, started in any order.</summary>
internal static class ClusterHost
{
    /// <param name="builder">The application.</param>
    /// <param name="redis"><c>ConnectionStrings:Redis</c>, where the silos say how they are reached.</param>
    public static void AddClusterClient(this IHostApplicationBuilder builder, ConfigurationOptions redis)
    {
        builder.UseOrleansClient(client => client
            .UseRedisClustering(clustering => clustering.ConfigurationOptions = redis)
            .UseConnectionRetryFilter<ClusterWait>()
            .AddGatewayCountChangedHandler(services => (_, change) =>
            {
                if (change.NumberOfConnectedGateways < change.PreviousNumberOfConnectedGateways)
                    services.GetRequiredService<LeaseLoop>().Hurry();
            })
            .AddClusterConnectionLostHandler(services => (_, _) => services.GetRequiredService<LeaseLoop>().Hurry())
            .AddLocalQueueStreams(Feeds.Provider));
        builder.Services.AddSingleton<IStoreSync, NoStoreSync>();
        builder.Services.AddSingleton<IActiveRooms, NoActiveRooms>();
        builder.Services.Configure<ClientMessagingOptions>(messaging => messaging.ResponseTimeout = Deadlines.Call);
        builder.Services.Configure<GatewayOptions>(gateways => gateways.GatewayListRefreshPeriod = TimeSpan.FromSeconds(5));

        // Health answers, and clients are told to come back, while the front still waits for the cluster.
        builder.Services.Configure<HostOptions>(host => host.ServicesStartConcurrently = true);
    }
}

/// <summary>A front that finds no cluster yet waits for it, for as long as it takes.</summary>
internal sealed partial class ClusterWait(TimeProvider time, ILogger<ClusterWait> logger) : IClientConnectionRetryFilter
{
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(2);

    private TimeSpan _pause = TimeSpan.FromMilliseconds(100);
    private bool _isTold;

    public async Task<bool> ShouldRetryConnectionAttempt(Exception exception, CancellationToken cancellationToken)
    {
        if (!_isTold)
            LogWaiting(exception.Message);
        _isTold = true;
        await Task.Delay(_pause, time, cancellationToken);
        _pause = _pause * 2 < LongestPause ? _pause * 2 : LongestPause;
        return true;
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "No cluster yet; this front waits for it: {Reason}")]
    private partial void LogWaiting(string reason);
}
