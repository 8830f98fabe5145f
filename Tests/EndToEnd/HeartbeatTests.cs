using System.Text.Json;
using OrleansChat.Tests.Support;

namespace OrleansChat.Tests.EndToEnd;

/// <summary>Silence, and what ends it.</summary>
public sealed class HeartbeatTests
{
    [Fact]
    public async Task Who_is_silent_is_pinged_and_then_closed_with_4408_and_who_answers_in_any_way_stays()
    {
        await using var app = await ChatApp.StartAsync(("Chat:HeartbeatInterval", "00:00:00.3"), ("Chat:HeartbeatTimeout", "00:00:00.7"));
        var later = TimeProvider.System.GetUtcNow().AddHours(1);
        await using var alive = await ChatClient.ConnectAsync(app.Address, Tokens.For("alive", later));
        await using var answers = await RawSocket.UpgradeAsync(app.Address, "answers");
        var answering = AnswerAsync();
        await using var silent = await RawSocket.UpgradeAsync(app.Address, "silent");

        // In JSON for who knows no better, and the WebSocket's own.
        var ping = await silent.ReadFrameAsync();
        Assert.Equal(RawSocket.Text, ping.First);
        Assert.True(JsonPattern.Matches("""{"type":"ping","timestamp":"*"}""", JsonElement.Parse(ping.Bytes)));
        Assert.Equal(RawSocket.Ping, (await silent.ReadFrameAsync()).First);
        var close = await silent.ReadFrameAsync();
        Assert.Equal((RawSocket.Close, 4408), (close.First, close.CloseCode));

        await answering.Soon("five pings are answered");
        Assert.Equal("connected", (await alive.NextAsync()).GetProperty("type").GetString());
        for (var pings = 0; pings < 5; pings++)
            await alive.ExpectAsync("""{"type":"ping","timestamp":"*"}""");

        // Longer than it takes a silent one to be closed.
        async Task AnswerAsync()
        {
            for (var pings = 0; pings < 5; pings++)
            {
                Assert.Equal("ping", (await answers.NextAsync()).GetProperty("type").GetString());
                await answers.SayAsync("""{"type":"pong"}""");
            }
        }
    }
}
