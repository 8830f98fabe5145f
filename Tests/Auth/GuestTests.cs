using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using OrleansChat.Tests.Support;
using OrleansChat.WebFront.Auth;

namespace OrleansChat.Tests.Auth;

public sealed class GuestTests
{
    [Fact]
    public async Task A_guest_gets_a_fresh_user_id_the_role_guest_and_one_hour()
    {
        await using var app = await AuthApp.StartAsync("Development");

        var answer = await app.SendAsync(HttpMethod.Post, "/auth/guest", """{"username":"  Bob  "}""");

        Assert.Equal((200, "no-store"), (answer.Status, answer.Headers["Cache-Control"]));
        var guest = Parse(answer);
        Assert.Equal($$"""{"token":"{{guest.Token}}","userId":"{{guest.UserId}}","username":"Bob","expiresAt":1800003600000}""", answer.Body);
        Assert.Matches("^guest-[0-9a-f]{32}$", guest.UserId);
        Assert.Equal($"{guest.UserId} Bob guest", (await WhoAsync(app, guest.Token)).Body);
        Assert.DoesNotContain(guest.UserId, (await app.SendAsync(HttpMethod.Post, "/auth/guest", """{"username":"Bob"}""")).Body, StringComparison.Ordinal);

        app.Time.Advance(TimeSpan.FromHours(1) - TimeSpan.FromMilliseconds(1));
        Assert.Equal(200, (await WhoAsync(app, guest.Token)).Status);
        app.Time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(401, (await WhoAsync(app, guest.Token)).Status);
    }

    [Fact]
    public async Task A_guests_good_token_is_renewed_for_the_same_user()
    {
        await using var app = await AuthApp.StartAsync("Development");
        var first = Parse(await app.SendAsync(HttpMethod.Post, "/auth/guest", """{"username":"Bob"}"""));
        var bearer = ("Authorization", $"Bearer {first.Token}");
        app.Time.Advance(TimeSpan.FromMinutes(59));

        var same = Parse(await app.SendAsync(HttpMethod.Post, "/auth/guest", """{"username":"Bob"}""", bearer));
        Assert.Equal((first.UserId, "Bob", first.ExpiresAt + (59 * 60_000)), (same.UserId, same.Username, same.ExpiresAt));
        var withoutBody = Parse(await app.SendAsync(HttpMethod.Post, "/auth/guest", null, bearer));
        Assert.Equal((first.UserId, "Bob"), (withoutBody.UserId, withoutBody.Username));
        var renamed = Parse(await app.SendAsync(HttpMethod.Post, "/auth/guest", """{"username":"Rob"}""", bearer));
        Assert.Equal((first.UserId, "Rob"), (renamed.UserId, renamed.Username));

        app.Time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(401, (await app.SendAsync(HttpMethod.Post, "/auth/guest", """{"username":"Bob"}""", bearer)).Status);
    }

    [Theory]
    [InlineData("""{"sub":"alice","roles":["guest"],"exp":1800000060}""", 403)]
    [InlineData("""{"sub":"guest-1","roles":["guest","admin"],"exp":1800000060}""", 403)]
    [InlineData("""{"sub":"guest-1","roles":["Guest"],"exp":1800000060}""", 403)]
    [InlineData("""{"sub":"guest-1","exp":1800000060}""", 403)]
    [InlineData("""{"sub":"alice","roles":["admin"],"exp":1800000060}""", 403)]
    [InlineData("""{"sub":"guest-1","roles":["guest"],"exp":1}""", 401)]
    public async Task Nobody_elses_token_is_renewed(string payload, int status)
    {
        await using var app = await AuthApp.StartAsync("Development", ("Auth:SigningKey", Tokens.Key));

        var answer = await app.SendAsync(HttpMethod.Post, "/auth/guest", """{"username":"Bob"}""", ("Authorization", $"Bearer {Tokens.Hs256(payload)}"));

        Assert.Equal(status, answer.Status);
        Assert.DoesNotContain("token\":", answer.Body, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"username":null}""")]
    [InlineData("""{"username":7}""")]
    [InlineData("""{"username":""}""")]
    [InlineData("""{"username":"   "}""")]
    [InlineData("""{"username":"a\u0007b"}""")]
    [InlineData("""{"username":"a\u009fb"}""")]
    [InlineData("""{"username":"\ud800"}""")]
    [InlineData("""{"username":"a","username":"b"}""")]
    [InlineData("""{"Username":"a"}""")]
    [InlineData("""{"username":"12345678901234567890123456789012345678901234567890123456789012345"}""")]
    public async Task A_name_that_does_not_fit_is_a_problem_and_no_stack_trace(string body)
    {
        await using var app = await AuthApp.StartAsync("Development");

        var answer = await app.SendAsync(HttpMethod.Post, "/auth/guest", body);

        Assert.Equal((400, "application/problem+json", "no-store"), (answer.Status, answer.Headers["Content-Type"], answer.Headers["Cache-Control"]));
        Assert.StartsWith("""{"title":"Bad Request","status":400,"detail":""", answer.Body, StringComparison.Ordinal);
        Assert.EndsWith(""","code":"invalid_payload"}""", answer.Body, StringComparison.Ordinal);
        Assert.DoesNotContain("OrleansChat", answer.Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_body_over_4096_bytes_is_not_read()
    {
        await using var app = await AuthApp.StartAsync("Development");
        var fits = $$"""{"username":"Bob","x":"{{new string('x', 4000)}}"}""";
        Assert.Equal(200, (await app.SendAsync(HttpMethod.Post, "/auth/guest", fits)).Status);
        Assert.Equal(413, (await app.SendAsync(HttpMethod.Post, "/auth/guest", $$"""{"username":"Bob","x":"{{new string('x', 5000)}}"}""")).Status);
    }

    [Theory]
    [InlineData("Production", "", 404)]
    [InlineData("Production", "false", 404)]
    [InlineData("Production", "true", 200)]
    [InlineData("Development", "", 200)]
    [InlineData("Development", "false", 404)]
    public async Task Guests_are_let_in_only_where_that_is_on(string environment, string guests, int status)
    {
        await using var app = await AuthApp.StartAsync(environment, ("Auth:SigningKey", Tokens.Key), ("Auth:Guests", guests));

        Assert.Equal(status, (await app.SendAsync(HttpMethod.Post, "/auth/guest", """{"username":"Bob"}""")).Status);
    }

    [Fact]
    public async Task A_guests_token_bears_the_configured_issuer_and_audience_and_counts_as_any_other()
    {
        await using var app = await AuthApp.StartAsync(
            "Production", ("Auth:SigningKey", Tokens.Key), ("Auth:Guests", "true"), ("Auth:Issuer", "us"), ("Auth:Audience", "chat"));
        var guest = Parse(await app.SendAsync(HttpMethod.Post, "/auth/guest", """{"username":"Zoë"}"""));

        Assert.Equal(
            $$"""{"iss":"us","aud":"chat","sub":"{{guest.UserId}}","username":"Zo\u00EB","roles":["guest"],"iat":1800000000,"exp":1800003600}""",
            Encoding.UTF8.GetString(System.Buffers.Text.Base64Url.DecodeFromChars(guest.Token.Split('.')[1])));
        Assert.Equal($"{guest.UserId} Zoë guest", (await WhoAsync(app, guest.Token)).Body);
    }

    [Fact]
    public async Task One_address_that_asks_too_often_waits_and_another_does_not()
    {
        await using var app = await AuthApp.StartAsync("Development", ("Auth:GuestsPerMinute", "3"));
        for (var i = 0; i < 3; i++)
            Assert.Equal(200, (await app.SendAsync(HttpMethod.Post, "/auth/guest", """{"username":"Bob"}""")).Status);

        var refused = await app.SendAsync(HttpMethod.Post, "/auth/guest", """{"username":"Bob"}""");
        Assert.Equal(429, refused.Status);
        Assert.InRange(int.Parse(refused.Headers["Retry-After"]), 1, 60);
        Assert.EndsWith("\"code\":\"rate_limited\"}", refused.Body, StringComparison.Ordinal);

        using var elsewhere = new HttpClient(new SocketsHttpHandler
        {
            ConnectCallback = async (context, cancellationToken) =>
            {
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
                socket.Bind(new IPEndPoint(IPAddress.Parse("127.0.0.2"), 0));
                await socket.ConnectAsync(context.DnsEndPoint, cancellationToken);
                return new NetworkStream(socket, ownsSocket: true);
            },
        });
        using var response = await elsewhere.PostAsync(
            new Uri(app.Client.BaseAddress!, "/auth/guest"), new StringContent("""{"username":"Bob"}"""), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Fact]
    public void An_ipv6_network_counts_as_one_address_and_an_ipv4_address_as_one_however_it_is_written()
    {
        using var limit = new GuestLimit(1);
        Assert.True(limit.TryTake(IPAddress.Parse("2001:db8:1:2::1"), out _));
        Assert.False(limit.TryTake(IPAddress.Parse("2001:db8:1:2:ffff::9"), out var retryAfter));
        Assert.InRange(retryAfter, 1, 60);

        using var other = new GuestLimit(1);
        Assert.True(other.TryTake(IPAddress.Parse("192.0.2.1"), out _));
        Assert.False(other.TryTake(IPAddress.Parse("::ffff:192.0.2.1"), out _));
    }

    [Fact]
    public void Zero_is_no_limit()
    {
        using var limit = new GuestLimit(0);
        Assert.All(Enumerable.Range(0, 10_000), _ => Assert.True(limit.TryTake(IPAddress.Loopback, out var _)));
    }

    private static Task<AuthApp.Answer> WhoAsync(AuthApp app, string token) => app.SendAsync(HttpMethod.Get, $"/who?token={token}");

    private static (string Token, string UserId, string Username, long ExpiresAt) Parse(AuthApp.Answer answer)
    {
        Assert.Equal(200, answer.Status);
        var json = JsonDocument.Parse(answer.Body).RootElement;
        return (json.GetProperty("token").GetString()!, json.GetProperty("userId").GetString()!, json.GetProperty("username").GetString()!, json.GetProperty("expiresAt").GetInt64());
    }
}
