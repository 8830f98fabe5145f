using Microsoft.Extensions.Logging;
using OrleansChat.Grains.Interfaces;
using OrleansChat.Tests.Support;

namespace OrleansChat.Tests.EndToEnd;

/// <summary>What the application writes about a conversation: no secret of it, and no alarm where there is none.</summary>
public sealed class LogTests
{
    private static readonly DateTimeOffset Later = TimeProvider.System.GetUtcNow().AddHours(1);

    [Fact]
    public async Task No_token_and_no_text_is_in_the_log_at_any_level()
    {
        string[] categories = ["Default", "Microsoft", "Microsoft.Hosting.Lifetime", "Orleans", "Orleans.Streams", "Orleans.Runtime.Watchdog", "OrleansChat", "Polly"];
        var app = await ChatApp.StartAsync([.. categories.Select(category => ($"Logging:LogLevel:{category}", "Trace"))]);
        await ConverseAsync(app);
        await app.DisposeAsync();

        Assert.Contains(app.Logs.Lines, line => line.Level == LogLevel.Trace);
        var text = app.Logs.Text;
        foreach (var secret in new[] { "s3cret", "eyJ", Tokens.Key })
        {
            var at = text.IndexOf(secret, StringComparison.OrdinalIgnoreCase);
            Assert.True(at < 0, $"'{secret}' is in the log: …{text[Math.Max(0, at - 400)..Math.Min(text.Length, at + 200)]}");
        }
    }

    [Fact]
    public async Task A_life_without_faults_has_no_warning_and_no_error_in_its_log()
    {
        var app = await ChatApp.StartAsync();
        await ConverseAsync(app);
        await app.DisposeAsync();
        Assert.DoesNotContain(app.Logs.Lines, line => line.Level >= LogLevel.Warning && !IsOfThisProcess(line));
        Assert.Contains(app.Logs.Lines, line => line.Level == LogLevel.Information);
    }

    /// <summary>The tests' process has another garbage collector than the application's, and the machine may be slow.</summary>
    private static bool IsOfThisProcess(CapturedLogs.Line line) =>
        line.Message.Contains("ServerGC", StringComparison.Ordinal) || (line.Level == LogLevel.Warning && line.Category.StartsWith("Orleans.Runtime.Membership", StringComparison.Ordinal));

    private static async Task ConverseAsync(ChatApp app)
    {
        await using var alice = await ChatClient.ConnectAsync(app.Address, null, path: $"/ws?token={Tokens.For("alice", Later, roles: ["admin"])}");
        await using var bob = await ChatClient.ConnectAsync(app.Address, null, options =>
        {
            options.AddSubProtocol("orleanschat.v1");
            options.AddSubProtocol($"bearer.{Tokens.For("bob", Later)}");
        });
        await using var carol = await ChatClient.ConnectAsync(app.Address, Tokens.For("carol", Later), path: "/");
        foreach (var client in new[] { alice, bob, carol })
        {
            Assert.Equal("connected", (await client.NextAsync()).GetProperty("type").GetString());
            await client.JoinAsync("general");
        }

        foreach (var bad in new[] { Tokens.For("mallory", Later, key: new string('k', 64)), Tokens.For("mallory", Later.AddHours(-2)), "eyJ.nonsense" })
        {
            await Upgrade.AskAsync(app.Address, $"/ws?token={bad}");
            await Upgrade.AskAsAsync(app.Address, bad);
            await Upgrade.AskAsync(app.Address, "/ws", ("Sec-WebSocket-Protocol", $"bearer.{bad}"));
            await Upgrade.AskAsync(app.Address, $"/?token={bad}", ("Connection", ""), ("Upgrade", ""));
            await bob.SendAsync($$$"""{"type":"refresh_token","payload":{"token":"{{{bad}}}"}}""");
        }

        await alice.PublishAsync("general", "m1", "s3cret one");
        await alice.SendAsync("""{"type":"chat_message","id":"m1","payload":{"room":"general","message":"s3cret two"}}""");
        await alice.UntilAsync("""{"type":"error","error":"*","code":"id_conflict","id":"m1","room":"general"}""");
        await alice.SendAsync("""{"type":"broadcast","id":"b","payload":{"message":"s3cret three"}}""");
        await alice.UntilAsync("""{"type":"ack","id":"b","timestamp":"*"}""");
        await bob.SendAsync("""{"type":"typing","id":"t","payload":{"room":"general","isTyping":true}}""");
        await bob.SendAsync("""s3cret {"type":"chat_message","payload":{"room":"s3cret four"}}""");
        await bob.SendAsync($$$"""{"type":"refresh_token","id":"r","payload":{"token":"{{{Tokens.For("bob", Later.AddHours(1))}}}"}}""");
        await bob.UntilAsync($$"""{"type":"token_refreshed","id":"r","expiresAt":{{Later.AddHours(1).ToUnixTimeSeconds()}}000}""");
        await bob.SendAsync("""{"type":"history","id":"h","payload":{"room":"general"}}""");
        await bob.UntilAsync("""{"type":"history","id":"h","room":"general","epoch":"*","messages":["*"],"more":false}""");
        await app.Grains.GetGrain<IRoomGrain>("general").Publish(new PublishRequest("bot", "bot", "s3cret five", "x"));
        await app.Grains.GetGrain<IUserGrain>("carol").Send("bot", "s3cret six");
        await carol.UntilAsync("""{"type":"broadcast","from":"bot","message":"s3cret six","timestamp":"*"}""");
        carol.Abort();
        await alice.UntilAsync("""{"type":"user_left","room":"general","userId":"carol","username":"carol","members":2,"timestamp":"*"}""");
        await bob.CloseAsync();
    }
}
