using OrleansChat.Tests.Support;

namespace OrleansChat.Tests.EndToEnd;

/// <summary>A word to everyone, or to those who are meant.</summary>
public sealed class BroadcastTests
{
    private const string Heard = """{"type":"broadcast","from":"root","message":"*","timestamp":"*"}""";

    [Fact]
    public async Task A_broadcast_reaches_every_connection_that_is_meant_and_no_other()
    {
        await using var app = await ChatApp.StartAsync();
        await using var root = await app.ConnectAsync("root", "admin");
        await using var alice = await app.ConnectAsync("alice");
        await using var bob = await app.ConnectAsync("bob");
        await using var phone = await ChatClient.ConnectAsync(app.Address, Tokens.For("bob", TimeProvider.System.GetUtcNow().AddHours(1)));
        var phoneId = (await phone.NextAsync()).GetProperty("clientId").GetString();

        // Which of root, alice, bob and bob's phone hear it.
        (string Fields, bool[] Heard)[] cases =
        [
            ("", [true, true, true, true]),
            (""","includeIds":[],"excludeIds":[]""", [true, true, true, true]),
            (""","includeIds":["bob"]""", [false, false, true, true]),
            ($""","includeIds":["alice","{phoneId}"]""", [false, true, false, true]),
            (""","excludeIds":["bob","nobody"]""", [true, true, false, false]),
            ($""","includeIds":["bob"],"excludeIds":["{phoneId}"]""", [false, false, true, false]),
            (""","includeIds":["nobody"]""", [false, false, false, false]),
        ];
        ChatClient[] all = [root, alice, bob, phone];
        for (var i = 0; i < cases.Length; i++)
        {
            await root.SendAsync($$$"""{"type":"broadcast","id":"b{{{i}}}","payload":{"message":"word {{{i}}}"{{{cases[i].Fields}}}}}""");
            // The last word to everyone marks the end of what came before it.
            await root.SendAsync($$$"""{"type":"broadcast","id":"end","payload":{"message":"end {{{i}}}"}}""");
            for (var client = 0; client < all.Length; client++)
            {
                if (cases[i].Heard[client])
                    await HearAsync(all[client], $"word {i}");
                await HearAsync(all[client], $"end {i}");
            }
        }

        async Task HearAsync(ChatClient client, string word)
        {
            var frame = await client.NextAsync(word);
            while (frame.GetProperty("type").ValueEquals("ack"))
                frame = await client.NextAsync(word);
            Assert.True(JsonPattern.Matches(Heard, frame), frame.GetRawText());
            Assert.Equal(word, frame.GetProperty("message").GetString());
        }
    }

    [Fact]
    public async Task Only_an_admin_may_broadcast_and_is_answered()
    {
        await using var app = await ChatApp.StartAsync();
        await using var root = await app.ConnectAsync("root", "admin");
        await using var alice = await app.ConnectAsync("alice");
        const string broadcast = """{"type":"broadcast","id":"b","payload":{"message":"listen"}}""";
        foreach (var roles in new string[][] { [], ["moderator"], ["service"], ["Admin"], ["guest", "user"] })
        {
            await using var client = await app.ConnectAsync("mallory", roles);
            await client.SendAsync(broadcast);
            await client.ExpectAsync("""{"type":"error","error":"*","code":"forbidden","id":"b"}""");
        }

        await root.SendAsync(broadcast);
        await root.UntilAsync("""{"type":"ack","id":"b","timestamp":"*"}""");
        await alice.ExpectAsync(Heard);
        Assert.Empty(await alice.AllUntilPongAsync());
    }
}
