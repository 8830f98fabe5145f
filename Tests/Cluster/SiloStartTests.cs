using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OrleansChat.Silo;
using OrleansChat.Tests.Rooms;
using OrleansChat.Tests.Support;

namespace OrleansChat.Tests.Cluster;

/// <summary>A silo and its Redis, started in any order.</summary>
public sealed class SiloStartTests
{
    /// <summary>Where grain storage connects.</summary>
    private const int Storage = ServiceLifecycleStage.ApplicationServices;

    [Fact]
    public async Task A_silo_that_loses_Redis_while_it_starts_waits_for_it_again()
    {
        await using var redis = await RedisServer.StartAsync("--appendonly", "yes", "--appendfsync", "always");
        await using var silo = Build(redis, lifecycle =>
        {
            lifecycle.Subscribe("Redis goes", Storage - 1, _ => redis.KillAsync());
            lifecycle.Subscribe("Redis comes", Storage + 1, _ => redis.StartAgainAsync());
        });

        await silo.StartAsync(TestContext.Current.CancellationToken).Soon("the silo starts");

        await silo.StopAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task A_silo_that_is_started_before_Redis_waits_for_it_whatever_its_connection_string_says()
    {
        await using var redis = await RedisServer.StartAsync();
        await redis.KillAsync();
        using var log = new AwaitedLog();
        var waits = log.LineAsync("Redis does not answer yet; this silo waits for it");
        await using var silo = Build(redis, _ => { }, log, connection: $"{redis.EndPoint},abortConnect=false");

        var starting = silo.StartAsync(TestContext.Current.CancellationToken);
        await waits.Soon("the silo says that it waits");
        Assert.False(starting.IsCompleted);
        await redis.StartAgainAsync();

        await starting.Soon("the silo starts");
        await silo.StopAsync(TestContext.Current.CancellationToken);
    }

    private static WebApplication Build(RedisServer redis, Action<ISiloLifecycle> participate, AwaitedLog? log = null, string? connection = null) => SiloApp.Build(
        [
            "--urls=http://127.0.0.1:0", $"--ConnectionStrings:Redis={connection ?? redis.EndPoint}", "--Orleans:Endpoints:AdvertisedIPAddress=127.0.0.1",
            $"--Orleans:Endpoints:SiloPort={RedisServer.FreePort()}", $"--Orleans:Endpoints:GatewayPort={RedisServer.FreePort()}",
        ],
        builder =>
        {
            builder.Logging.ClearProviders();
            if (log is not null)
                builder.Logging.AddProvider(log);
            builder.Services.AddSingleton<ILifecycleParticipant<ISiloLifecycle>>(new Participant(participate));
        });

    private sealed class Participant(Action<ISiloLifecycle> participate) : ILifecycleParticipant<ISiloLifecycle>
    {
        public void Participate(ISiloLifecycle lifecycle) => participate(lifecycle);
    }
}
