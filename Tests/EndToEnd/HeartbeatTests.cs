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
        using var answers = await RawClient.ConnectAsync(app.Address, Tokens.For("answers", later));
        var answering = AnswerAsync();
        using var silent = await RawClient.ConnectAsync(app.Address, Tokens.For("silent", later));

        // In JSON for who knows no better, and the WebSocket's own.
        var (opcode, payload) = await silent.ReadFrameAsync();
        Assert.True(JsonPattern.Matches("""{"type":"ping","timestamp":"*"}""", JsonElement.Parse(payload)));
        Assert.Equal(RawClient.Text, opcode);
        Assert.Equal(RawClient.Ping, (await silent.ReadFrameAsync()).Opcode);
        (opcode, payload) = await silent.ReadFrameAsync();
        Assert.Equal((RawClient.Close, 4408), (opcode, (payload[0] << 8) + payload[1]));

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
                await answers.SendAsync("""{"type":"pong"}""");
            }
        }
    }
}
