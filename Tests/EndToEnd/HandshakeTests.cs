using System.Net;
using System.Net.WebSockets;
using OrleansChat.Grains.Interfaces;
using OrleansChat.Tests.Support;

namespace OrleansChat.Tests.EndToEnd;

/// <summary>What is decided before the upgrade, and the first frame after it.</summary>
public sealed class HandshakeTests(SharedApp shared)
{
    private static readonly DateTimeOffset Later = TimeProvider.System.GetUtcNow().AddHours(1);

    [Fact]
    public async Task The_first_frame_is_connected_with_every_field()
    {
        var app = await shared.StartedAsync();
        await using var alice = await ChatClient.ConnectAsync(app.Address, Tokens.For("hs-alice", DateTimeOffset.FromUnixTimeSeconds(4_000_000_000), username: "Alice"));

        var connected = await alice.ExpectAsync("""
            {"type":"connected","clientId":"*","userId":"hs-alice","username":"Alice","timestamp":"*","protocol":1,
             "heartbeat":{"interval":30000,"timeout":10000},"expiresAt":4000000000000,
             "limits":{"frameBytes":16384,"messageChars":1000,"roomsPerConnection":100}}
            """);

        Assert.False(string.IsNullOrEmpty(connected.GetProperty("clientId").GetString()));
        var age = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds() - connected.GetProperty("timestamp").GetInt64();
        Assert.InRange(age, 0, 60_000);
        Assert.Empty(await alice.AllUntilPongAsync());
    }

    [Theory]
    [InlineData("""{"userId":"u1","sub":"s1","username":"U","name":"N","preferred_username":"P","exp":4000000000}""", "u1", "U")]
    [InlineData("""{"sub":"s1","name":"N","preferred_username":"P","exp":4000000000}""", "s1", "N")]
    [InlineData("""{"sub":"s1","preferred_username":"P","role":"admin","exp":4000000000}""", "s1", "P")]
    [InlineData("""{"sub":"s1","exp":4000000000.5,"nbf":1}""", "s1", "s1")]
    public async Task User_and_name_come_from_the_first_claim_there_is(string claims, string userId, string username)
    {
        var app = await shared.StartedAsync();
        await using var client = await ChatClient.ConnectAsync(app.Address, Tokens.Hs256(claims));
        var connected = await client.NextAsync();
        Assert.Equal((userId, username), (connected.GetProperty("userId").GetString(), connected.GetProperty("username").GetString()));
    }

    [Theory]
    [InlineData(true, true, true, "in-query")]
    [InlineData(false, true, true, "in-header")]
    [InlineData(false, false, true, "in-subprotocol")]
    public async Task A_token_is_looked_for_in_the_query_then_the_header_then_the_subprotocols(bool query, bool header, bool subprotocol, string expected)
    {
        var app = await shared.StartedAsync();
        await using var client = await ChatClient.ConnectAsync(
            app.Address,
            header ? Tokens.For("in-header", Later) : null,
            options =>
            {
                options.AddSubProtocol("orleanschat.v1");
                if (subprotocol)
                    options.AddSubProtocol($"bearer.{Tokens.For("in-subprotocol", Later)}");
            },
            query ? $"/ws?token={Tokens.For("in-query", Later)}" : "/ws");

        Assert.Equal(expected, (await client.NextAsync()).GetProperty("userId").GetString());
        Assert.Equal("orleanschat.v1", client.SubProtocol);
    }

    [Fact]
    public async Task A_bad_token_in_the_first_place_is_not_healed_by_a_good_one_in_the_next()
    {
        var app = await shared.StartedAsync();
        var good = ("Authorization", $"Bearer {Tokens.For("hs-alice", Later)}");
        Assert.Equal(HttpStatusCode.SwitchingProtocols, (await Upgrade.AskAsync(app.Address, "/ws", good)).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await Upgrade.AskAsync(app.Address, "/ws?token=bad", good)).Status);
    }

    [Fact]
    public async Task No_subprotocol_and_no_compression_are_accepted_that_the_server_does_not_speak()
    {
        var app = await shared.StartedAsync();
        var answer = await Upgrade.AskAsAsync(
            app.Address, Tokens.For("hs-alice", Later), ("Sec-WebSocket-Protocol", "chat, superchat"), ("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits"));

        Assert.Equal(HttpStatusCode.SwitchingProtocols, answer.Status);
        Assert.DoesNotContain("Sec-WebSocket-Protocol", answer.Headers, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("Sec-WebSocket-Extensions", answer.Headers, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", answer.Headers, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_root_is_a_socket_for_who_asks_for_one_and_the_page_for_who_does_not()
    {
        var app = await shared.StartedAsync();
        await using var client = await ChatClient.ConnectAsync(app.Address, Tokens.For("hs-root", Later), path: "/");
        Assert.Equal("hs-root", (await client.NextAsync()).GetProperty("userId").GetString());

        var page = await Upgrade.AskAsync(app.Address, "/", ("Connection", ""), ("Upgrade", ""));
        Assert.Equal(HttpStatusCode.OK, page.Status);
        Assert.Contains("Content-Type: text/html", page.Headers, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.Unauthorized, (await Upgrade.AskAsync(app.Address, "/")).Status);
    }

    public static TheoryData<string> BadTokens()
    {
        const string claims = """{"userId":"mallory","exp":4000000000}""";
        var good = Tokens.Hs256(claims);
        return
        [
            "garbage", "a.b.c", "..", good[..^1], good + "A", good.Replace(".", "", StringComparison.Ordinal),
            Tokens.Hs256(claims, key: "another key, of which nobody here knows anything"),
            Tokens.Sign("""{"alg":"none"}""", claims, _ => []), Tokens.Sign("""{"alg":"none"}""", claims, _ => [1]),
            Tokens.Hs256(claims, header: """{"alg":"RS256"}"""), Tokens.Hs256(claims, header: """{"typ":"JWT"}"""),
            $"{Tokens.Encode("""{"alg":"HS256","typ":"JWT"}""")}.{Tokens.Encode("""{"userId":"admin","exp":4000000000}""")}.{good.Split('.')[2]}",
            Tokens.Hs256("""{"userId":"mallory"}"""), Tokens.Hs256("""{"userId":"mallory","exp":1000000000}"""), Tokens.Hs256("""{"userId":"mallory","exp":"4000000000"}"""),
            Tokens.Hs256("""{"userId":"mallory","exp":4000000000,"nbf":3900000000}"""), Tokens.Hs256("""{"exp":4000000000}"""),
            Tokens.Hs256("""{"userId":"","exp":4000000000}"""), Tokens.Hs256("""{"userId":7,"exp":4000000000}"""),
            Tokens.Hs256($$"""{"userId":"{{new string('m', 129)}}","exp":4000000000}"""), Tokens.Hs256("""{"userId":"mal\u0000lory","exp":4000000000}"""),
        ];
    }

    [Theory]
    [MemberData(nameof(BadTokens), DisableDiscoveryEnumeration = true)]
    public async Task A_bad_token_is_answered_401_before_the_upgrade(string token)
    {
        var app = await shared.StartedAsync();
        var answer = await Upgrade.AskAsAsync(app.Address, token);

        Assert.Equal(HttpStatusCode.Unauthorized, answer.Status);
        Assert.Contains("WWW-Authenticate: Bearer error=\"invalid_token\"", answer.Headers, StringComparison.Ordinal);
        Assert.Contains("Content-Type: application/problem+json", answer.Headers, StringComparison.Ordinal);
        Assert.True(JsonPattern.Matches("""{"title":"Unauthorized","status":401,"detail":"*","code":"invalid_token"}""", answer.Problem), answer.Body);
    }

    [Fact]
    public async Task No_token_is_answered_401_too()
    {
        var app = await shared.StartedAsync();
        var answer = await Upgrade.AskAsync(app.Address);
        Assert.Equal(HttpStatusCode.Unauthorized, answer.Status);
        Assert.Contains("WWW-Authenticate: Bearer error=\"invalid_request\"", answer.Headers, StringComparison.Ordinal);
        Assert.Equal(401, answer.Problem.GetProperty("status").GetInt32());
    }

    [Fact]
    public async Task What_asks_for_no_upgrade_is_answered_426_before_its_token_is_looked_at()
    {
        var app = await shared.StartedAsync();
        Upgrade[] answers =
        [
            await Upgrade.AskAsync(app.Address, "/ws", ("Connection", ""), ("Upgrade", "")),
            await Upgrade.AskAsync(app.Address, "/ws?token=bad", ("Connection", ""), ("Upgrade", "")),
            await Upgrade.AskAsync(app.Address, "/ws", ("Sec-WebSocket-Version", "12")),
            await Upgrade.AskAsync(app.Address, "/ws", ("Sec-WebSocket-Key", "short")),
        ];

        Assert.All(answers, answer =>
        {
            Assert.Equal(HttpStatusCode.UpgradeRequired, answer.Status);
            Assert.Contains("Upgrade: websocket", answer.Headers, StringComparison.Ordinal);
            Assert.Equal(426, answer.Problem.GetProperty("status").GetInt32());
        });
    }

    [Fact]
    public async Task A_page_of_another_host_is_answered_403_and_one_that_is_configured_may_connect()
    {
        await using var app = await ChatApp.StartAsync(("Chat:AllowedOrigins:0", "https://chat.example.org"));
        var token = Tokens.For("alice", Later);
        foreach (var origin in new[] { "https://evil.example", "http://chat.example.org", "https://chat.example.org.evil.example", "null", $"http://127.0.0.1:{app.Address.Port + 1}" })
        {
            var answer = await Upgrade.AskAsAsync(app.Address, token, ("Origin", origin));
            Assert.Equal((HttpStatusCode.Forbidden, 403), (answer.Status, answer.Problem.GetProperty("status").GetInt32()));
        }

        foreach (var origin in new[] { "https://chat.example.org", $"http://{app.Address.Authority}" })
            Assert.Equal(HttpStatusCode.SwitchingProtocols, (await Upgrade.AskAsAsync(app.Address, token, ("Origin", origin))).Status);
    }

    [Fact]
    public async Task A_user_with_too_many_connections_is_answered_429_however_they_came_and_went()
    {
        await using var app = await ChatApp.StartAsync(("Chat:ConnectionsPerUser", "2"));
        var first = await app.ConnectAsync("alice");
        await using var second = await app.ConnectAsync("alice");
        await first.CloseAsync();
        await first.DisposeAsync();
        await SessionsBecomeAsync(app, "alice", 1);

        await using var third = await app.ConnectAsync("alice");
        var answer = await Upgrade.AskAsAsync(app.Address, Tokens.For("alice", Later));

        Assert.Equal(HttpStatusCode.TooManyRequests, answer.Status);
        Assert.Contains("Retry-After: ", answer.Headers, StringComparison.Ordinal);
        Assert.Equal("rate_limited", answer.Problem.GetProperty("code").GetString());
        await using var bob = await app.ConnectAsync("bob");
        await SessionsBecomeAsync(app, "alice", 2);
    }

    [Fact]
    public async Task A_full_server_answers_503()
    {
        await using var app = await ChatApp.StartAsync(("Chat:Connections", "2"));
        await using var alice = await app.ConnectAsync("alice");
        var bob = await app.ConnectAsync("bob");
        var answer = await Upgrade.AskAsAsync(app.Address, Tokens.For("carol", Later));

        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.Status);
        Assert.Contains("Retry-After: ", answer.Headers, StringComparison.Ordinal);
        Assert.Equal("unavailable", answer.Problem.GetProperty("code").GetString());
        await bob.CloseAsync();
        await bob.DisposeAsync();
        await SessionsBecomeAsync(app, "bob", 0);
        await using var carol = await app.ConnectAsync("carol");
    }

    [Fact]
    public async Task A_binary_frame_that_holds_the_same_UTF8_is_a_frame_too()
    {
        var app = await shared.StartedAsync();
        await using var client = await app.ConnectAsync("hs-binary");
        await client.SendAsync("""{"id":"ü","type":"ping"}"""u8.ToArray(), WebSocketMessageType.Binary);
        await client.ExpectAsync("""{"type":"pong","id":"ü","timestamp":"*"}""");
    }

    private static Task SessionsBecomeAsync(ChatApp app, string userId, int count)
    {
        return AskUntilAsync().Soon($"user {userId} has {count} sessions");

        async Task AskUntilAsync()
        {
            while ((await app.Grains.GetGrain<IUserGrain>(userId).Sessions()).Length != count)
                await Task.Yield();
        }
    }
}
