using System.Net;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using OrleansChat.Grains.Interfaces;
using OrleansChat.Tests.Support;

namespace OrleansChat.Tests.EndToEnd;

/// <summary>SIGTERM: everyone is sent elsewhere.</summary>
public sealed class DrainTests
{
    [Fact]
    public async Task Who_is_connected_is_told_when_to_reconnect_each_at_another_time_and_then_closed_with_1001()
    {
        const int count = 30;
        await using var app = await ChatApp.StartAsync(("Chat:DrainTime", "00:00:00.4"), ("Chat:ConnectionsPerUser", "100"));
        var clients = new List<ChatClient>();
        for (var i = 0; i < count; i++)
            clients.Add(await app.JoinAsync("alice", "general"));
        await app.Grains.GetGrain<IRoomGrain>("general").Publish(new PublishRequest("alice", "alice", "the last word", null));
        foreach (var client in clients)
            await client.UntilAsync("""{"type":"chat_message","room":"general","seq":1,"userId":"alice","username":"alice","message":"the last word","timestamp":"*"}""");

        await app.StopAsync();
        var after = new HashSet<long>();
        foreach (var client in clients)
        {
            after.Add((await client.ExpectAsync("""{"type":"reconnect","after":"*","reason":"*"}""")).GetProperty("after").GetInt64());
            Assert.Equal(1001, (await client.ClosedAsync()).Code);
            await client.DisposeAsync();
        }

        Assert.Equal(count, after.Count);
        Assert.InRange(after.Min(), 1, 400);
        Assert.InRange(after.Max(), 200, 1_000);
    }

    [Fact]
    public async Task A_server_that_drains_is_not_ready_takes_no_connection_and_lives()
    {
        await using var app = await ChatApp.StartAsync();
        var token = Tokens.For("bob", TimeProvider.System.GetUtcNow().AddHours(1));
        Assert.Equal(HttpStatusCode.OK, (await GetAsync("/healthz/ready")).Status);
        Assert.Equal(HttpStatusCode.OK, (await GetAsync("/healthz/live")).Status);

        // SIGTERM has come; the listener is open for a moment longer.
        app.Services.GetRequiredService<IHostApplicationLifetime>().StopApplication();
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await GetAsync("/healthz/ready")).Status);
        Assert.Equal(HttpStatusCode.OK, (await GetAsync("/healthz/live")).Status);
        var answer = await Upgrade.AskAsAsync(app.Address, token);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.Status);
        Assert.Contains("Retry-After: ", answer.Headers, StringComparison.Ordinal);
        Assert.True(JsonPattern.Matches("""{"title":"*","status":503,"detail":"*","code":"unavailable"}""", JsonElement.Parse(answer.Body)));

        Task<Upgrade> GetAsync(string path) => Upgrade.AskAsync(app.Address, path, ("Connection", ""), ("Upgrade", ""));
    }
}
