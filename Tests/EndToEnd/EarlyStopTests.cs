using OrleansChat.Tests.Support;

namespace OrleansChat.Tests.EndToEnd;

/// <summary>SIGTERM to a process that is not up yet: an operator who changes his mind is no failure.</summary>
public sealed class EarlyStopTests
{
    private const string SiloStarts = "Starting silo";

    [Fact]
    public async Task A_front_that_waits_for_a_cluster_ends_quietly()
    {
        await using var redis = await RedisServer.StartAsync();
        using var front = Front("No cluster yet; this front waits for it", $"--ConnectionStrings:Redis={redis.EndPoint}");
        await StopsAsync(front);
    }

    [Fact]
    public async Task A_front_whose_own_silo_is_starting_ends_quietly()
    {
        using var front = Front(SiloStarts, "--Chat:DataPath=:memory:", "--Logging:LogLevel:Orleans.Runtime.Silo=Information");
        await StopsAsync(front);
    }

    [Fact]
    public async Task A_silo_that_waits_for_Redis_ends_quietly()
    {
        await using var redis = await RedisServer.StartAsync();
        await redis.KillAsync();
        using var silo = Silo("Redis does not answer yet; this silo waits for it", redis);
        await StopsAsync(silo);
    }

    [Fact]
    public async Task A_silo_that_joins_its_cluster_ends_quietly()
    {
        await using var redis = await RedisServer.StartAsync("--appendonly", "yes", "--appendfsync", "always");
        using var silo = Silo(SiloStarts, redis, "--Logging:LogLevel:Orleans.Runtime.Silo=Information");
        await StopsAsync(silo);
    }

    [Fact]
    public async Task A_front_that_waits_for_a_cluster_and_cannot_listen_says_so_when_it_is_stopped()
    {
        await using var redis = await RedisServer.StartAsync();
        using var front = Front("No cluster yet; this front waits for it", $"--ConnectionStrings:Redis={redis.EndPoint}", $"--urls=http://{redis.EndPoint}");
        await front.SignAsync();
        Assert.Equal(1, await front.StopAsync());
        Assert.Contains($"Failed to bind to address http://{redis.EndPoint}", front.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_start_that_fails_says_why_and_its_exit_code_tells()
    {
        using var silo = new AppProcess("OrleansChat.Silo", "must name the Redis of the cluster");
        await silo.SignAsync();
        Assert.Equal(1, await silo.ExitAsync());
    }

    private static async Task StopsAsync(AppProcess process)
    {
        await process.SignAsync();
        var exitCode = await process.StopAsync();
        Assert.True(exitCode == 0, $"Exit code {exitCode}:\n{process.Output}");
        Assert.DoesNotContain("Unhandled exception", process.Output, StringComparison.Ordinal);
    }

    private static AppProcess Front(string sign, params IEnumerable<string> arguments) => new(
        "OrleansChat.WebFront", sign, ["--urls=http://127.0.0.1:0", "--environment=Production", $"--Auth:SigningKey={Tokens.Key}", .. arguments]);

    private static AppProcess Silo(string sign, RedisServer redis, params IEnumerable<string> arguments) => new(
        "OrleansChat.Silo", sign,
        [
            "--urls=http://127.0.0.1:0", "--environment=Production", $"--ConnectionStrings:Redis={redis.EndPoint}", "--Orleans:Endpoints:AdvertisedIPAddress=127.0.0.1",
            $"--Orleans:Endpoints:SiloPort={RedisServer.FreePort()}", $"--Orleans:Endpoints:GatewayPort={RedisServer.FreePort()}", .. arguments,
        ]);
}
