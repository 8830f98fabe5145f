using OrleansChat.Tests.Support;

namespace OrleansChat.Tests.EndToEnd;

/// <summary>A token runs out under a live connection, or is followed by another in time.</summary>
public sealed class TokenLifeTests(SharedApp shared)
{
    [Fact]
    public async Task A_token_that_runs_out_is_announced_at_once_where_less_than_a_minute_is_left_and_closes_with_4401()
    {
        var app = await shared.StartedAsync();
        // Two connections on the same short token: the one that gets another in time outlives the one that does not.
        var soon = DateTimeOffset.FromUnixTimeSeconds(TimeProvider.System.GetUtcNow().ToUnixTimeSeconds() + 3);
        var expiring = $$"""{"type":"token_expiring","expiresAt":{{soon.ToUnixTimeMilliseconds()}}}""";
        await using var dying = await ConnectAsync(app, "to-dying", soon);
        await using var living = await ConnectAsync(app, "to-living", soon);
        await dying.ExpectAsync(expiring);
        await living.ExpectAsync(expiring);
        Assert.True(TimeProvider.System.GetUtcNow() < soon, "the warning came too late to be one");

        await living.SendAsync($$$"""{"type":"refresh_token","id":"r","payload":{"token":"{{{Tokens.For("to-living", DateTimeOffset.FromUnixTimeSeconds(4_000_000_000), roles: ["admin"])}}}"}}""");
        await living.ExpectAsync("""{"type":"token_refreshed","id":"r","expiresAt":4000000000000}""");
        Assert.Equal(4401, (await dying.ClosedAsync()).Code);
        Assert.True(TimeProvider.System.GetUtcNow() >= soon, "closed before the token ran out");
        Assert.Empty(await living.AllUntilPongAsync());
        await living.SendAsync("""{"type":"broadcast","id":"b","payload":{"message":"as an admin now","includeIds":["to-nobody"]}}""");
        await living.ExpectAsync("""{"type":"ack","id":"b","timestamp":"*"}""");
    }

    [Fact]
    public async Task A_token_of_another_user_or_a_bad_one_changes_nothing()
    {
        var app = await shared.StartedAsync();
        await using var alice = await app.ConnectAsync("to-alice");
        var later = TimeProvider.System.GetUtcNow().AddHours(1);
        await RefreshAsync(Tokens.For("to-bob", later));
        await alice.ExpectAsync("""{"type":"error","error":"*","code":"forbidden","id":"r"}""");
        foreach (var bad in new[] { "bad", Tokens.For("to-alice", later.AddHours(-2)), Tokens.For("to-alice", later, key: new string('k', 64)) })
        {
            await RefreshAsync(bad);
            var error = await alice.ExpectAsync("""{"type":"error","error":"*","code":"invalid_payload","id":"r"}""");
            Assert.Contains("'token'", error.GetProperty("error").GetString(), StringComparison.Ordinal);
        }

        Assert.Empty(await alice.AllUntilPongAsync());
        var soon = DateTimeOffset.FromUnixTimeSeconds(later.AddHours(-1).ToUnixTimeSeconds() + 30);
        await RefreshAsync(Tokens.For("to-alice", soon));
        await alice.ExpectAsync($$"""{"type":"token_refreshed","id":"r","expiresAt":{{soon.ToUnixTimeMilliseconds()}}}""");
        await alice.ExpectAsync($$"""{"type":"token_expiring","expiresAt":{{soon.ToUnixTimeMilliseconds()}}}""");

        Task RefreshAsync(string token) => alice.SendAsync($$$"""{"type":"refresh_token","id":"r","payload":{"token":"{{{token}}}"}}""");
    }

    private static async Task<ChatClient> ConnectAsync(ChatApp app, string userId, DateTimeOffset expiresAt)
    {
        var client = await ChatClient.ConnectAsync(app.Address, Tokens.For(userId, expiresAt));
        Assert.Equal(expiresAt.ToUnixTimeMilliseconds(), (await client.NextAsync()).GetProperty("expiresAt").GetInt64());
        return client;
    }
}
