using Orleans.Configuration;
using OrleansChat.Grains;
using OrleansChat.Hosting;

namespace OrleansChat.Silo;

/// <summary>A silo of the cluster: grains, and health over HTTP.</summary>
internal static class SiloApp
{
    /// <summary>How long grains may take to finish after SIGTERM.</summary>
    private static readonly TimeSpan ShutdownTimeout = TimeSpan.FromSeconds(25);

    /// <param name="args">The command line: configuration keys, as in <c>--ConnectionStrings:Redis=localhost:6379</c>.</param>
    /// <param name="configure">What a test adds, before anything else is.</param>
    public static WebApplication Build(string[] args, Action<WebApplicationBuilder>? configure = null)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });
        configure?.Invoke(builder);
        var redis = RedisAddress.Read(builder.Configuration)
            ?? throw RedisAddress.Refused("must name the Redis of the cluster, as in 'localhost:6379'. Without Redis, run WebFront alone.");
        builder.UseOrleans(silo => silo
            .UseRedisClustering(clustering => clustering.ConfigurationOptions = redis)
            .UseRedisStore(redis)
            .ConfigureFailureDetection(builder.Configuration));
        builder.AddHealth();

        var app = builder.Build();
        // Started: it has joined the cluster.
        app.MapHealth(() => app.Lifetime.ApplicationStarted.IsCancellationRequested && !app.Lifetime.ApplicationStopping.IsCancellationRequested);
        return app;
    }

    /// <summary>
    /// A killed silo is dead to the others after about four seconds: three probes missed, a second apart, and two votes where there are two to vote. That bears
    /// pauses of three seconds (a collection, a core at its limit), and Orleans gives a slow silo more time by itself. <c>Orleans:Membership:*</c> changes it.
    /// </summary>
    private static ISiloBuilder ConfigureFailureDetection(this ISiloBuilder silo, ConfigurationManager configuration)
    {
        silo.Configure<ClusterMembershipOptions>(membership =>
        {
            membership.ProbeTimeout = TimeSpan.FromSeconds(1);
            membership.NumMissedProbesLimit = 3;
            membership.TableRefreshTimeout = TimeSpan.FromSeconds(5);

            // After a power cut the table names silos that are gone; a new one waits for them until they have not reported for three of these.
            membership.IAmAliveTablePublishTimeout = TimeSpan.FromSeconds(5);
        });
        silo.Services.Configure<ClusterMembershipOptions>(configuration.GetSection("Orleans:Membership"));
        return silo;
    }

    private static void AddHealth(this WebApplicationBuilder builder)
    {
        // Several silos may run on one machine: without an address of their own they take any free port of it.
        var configuration = builder.Configuration;
        if (configuration["urls"] is null && configuration["http_ports"] is null && !configuration.GetSection("Kestrel:Endpoints").Exists())
            builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.Configure<HostOptions>(host =>
        {
            // Health answers while the silo still waits for Redis.
            host.ServicesStartConcurrently = true;
            host.ShutdownTimeout = ShutdownTimeout;
        });
    }
}
