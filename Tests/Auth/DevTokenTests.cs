using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using OrleansChat.Tests.Support;
using OrleansChat.WebFront.Auth;

namespace OrleansChat.Tests.Auth;

public sealed class DevTokenTests
{
    [Theory]
    [InlineData("""{"username":"alice"}""", "alice", "alice", "", 3600)]
    [InlineData("""{"username":"Alice","userId":"a-1","roles":["admin","x"],"expiresIn":1}""", "a-1", "Alice", "admin,x", 1)]
    [InlineData("""{"username":"Zoë","userId":null,"roles":null,"expiresIn":null,"unknown":{}}""", "Zoë", "Zoë", "", 3600)]
    [InlineData("""{"username":"a","roles":[],"expiresIn":86400}""", "a", "a", "", 86400)]
    public async Task A_developer_gets_any_token(string body, string userId, string username, string roles, int seconds)
    {
        await using var app = await AuthApp.StartAsync("Development");

        var answer = await app.SendAsync(HttpMethod.Post, "/dev/token", body);

        Assert.Equal((200, "no-store", "application/json; charset=utf-8"), (answer.Status, answer.Headers["Cache-Control"], answer.Headers["Content-Type"]));
        var json = JsonDocument.Parse(answer.Body).RootElement;
        Assert.Equal(["token", "userId", "username", "expiresAt"], json.EnumerateObject().Select(property => property.Name).ToArray());
        Assert.Equal((userId, username), (json.GetProperty("userId").GetString(), json.GetProperty("username").GetString()));
        Assert.Equal((AuthApp.Now + seconds) * 1000, json.GetProperty("expiresAt").GetInt64());
        Assert.Equal($"{userId} {username} {roles}", (await app.SendAsync(HttpMethod.Get, $"/who?token={json.GetProperty("token").GetString()}")).Body);
        Assert.DoesNotContain(json.GetProperty("token").GetString()!.Split('.')[2], app.Logs.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task With_a_configured_key_it_signs_with_that()
    {
        await using var app = await AuthApp.StartAsync("Development", ("Auth:SigningKey", Tokens.Key));
        await using var other = await AuthApp.StartAsync("Production", ("Auth:SigningKey", Tokens.Key));

        var token = JsonDocument.Parse((await app.SendAsync(HttpMethod.Post, "/dev/token", """{"username":"alice"}""")).Body).RootElement.GetProperty("token");

        Assert.Equal(200, (await other.SendAsync(HttpMethod.Get, $"/who?token={token}")).Status);
    }

    [Theory]
    [InlineData("")]
    [InlineData("x")]
    [InlineData("null")]
    [InlineData("\"alice\"")]
    [InlineData("{}")]
    [InlineData("""{"username":""}""")]
    [InlineData("""{"username":["alice"]}""")]
    [InlineData("""{"username":"a\u0000"}""")]
    [InlineData("""{"username":"a","userId":""}""")]
    [InlineData("""{"username":"a","userId":5}""")]
    [InlineData("""{"username":"a","userId":"\u001f"}""")]
    [InlineData("""{"username":"a","roles":"admin"}""")]
    [InlineData("""{"username":"a","roles":[null]}""")]
    [InlineData("""{"username":"a","roles":[""]}""")]
    [InlineData("""{"username":"a","roles":[1]}""")]
    [InlineData("""{"username":"a","expiresIn":0}""")]
    [InlineData("""{"username":"a","expiresIn":-1}""")]
    [InlineData("""{"username":"a","expiresIn":86401}""")]
    [InlineData("""{"username":"a","expiresIn":1.5}""")]
    [InlineData("""{"username":"a","expiresIn":"60"}""")]
    [InlineData("""{"username":"a","expiresIn":99999999999999999999}""")]
    [InlineData("""{"username":"a","x":[[[[[[[[[[[[]]]]]]]]]]]]}""")]
    public async Task A_body_that_does_not_fit_is_a_problem_and_no_stack_trace(string body)
    {
        await using var app = await AuthApp.StartAsync("Development");

        var answer = await app.SendAsync(HttpMethod.Post, "/dev/token", body);

        Assert.Equal((400, "application/problem+json"), (answer.Status, answer.Headers["Content-Type"]));
        Assert.EndsWith(""","code":"invalid_payload"}""", answer.Body, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", answer.Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_token_that_would_be_too_long_to_be_accepted_is_not_handed_out()
    {
        await using var app = await AuthApp.StartAsync("Development");
        var roles = string.Join(',', Enumerable.Repeat($"\"{new string('é', 100)}\"", 15));

        var answer = await app.SendAsync(HttpMethod.Post, "/dev/token", $$"""{"username":"a","roles":[{{roles}}]}""");

        Assert.Equal(400, answer.Status);
        Assert.Contains("roles are too many", answer.Body, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Host", "localhost:8080", 200)]
    [InlineData("Host", "LOCALHOST", 200)]
    [InlineData("Host", "127.0.0.1", 200)]
    [InlineData("Host", "[::1]:8080", 200)]
    [InlineData("Host", "evil.example", 403)]
    [InlineData("Host", "localhost.evil.example", 403)]
    [InlineData("Host", "127.0.0.1.nip.io", 403)]
    [InlineData("Host", "192.168.1.5:8080", 403)]
    [InlineData("Origin", "http://localhost:3000", 200)]
    [InlineData("Origin", "https://127.0.0.1", 200)]
    [InlineData("Origin", "http://[::1]:5173", 200)]
    [InlineData("Origin", "https://evil.example", 403)]
    [InlineData("Origin", "http://localhost.evil.example", 403)]
    [InlineData("Origin", "http://localhost@evil.example", 403)]
    [InlineData("Origin", "chrome-extension://localhost", 403)]
    [InlineData("Origin", "null", 403)]
    [InlineData("Origin", "", 403)]
    [InlineData("X-Forwarded-For", "127.0.0.1", 403)]
    [InlineData("Forwarded", "for=127.0.0.1", 403)]
    public async Task Only_this_machine_is_served(string header, string value, int status)
    {
        await using var app = await AuthApp.StartAsync("Development");

        var answer = await app.SendAsync(HttpMethod.Post, "/dev/token", """{"username":"alice"}""", (header, value));

        Assert.Equal(status, answer.Status);
        Assert.Equal(status == 200, answer.Body.Contains("token\":", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("127.0.0.1", true)]
    [InlineData("127.9.9.9", true)]
    [InlineData("::1", true)]
    [InlineData("::ffff:127.0.0.1", true)]
    [InlineData("192.168.1.5", false)]
    [InlineData("172.17.0.1", false)]
    [InlineData("::ffff:10.0.0.1", false)]
    [InlineData("0.0.0.0", false)]
    [InlineData(null, false)]
    public void A_peer_elsewhere_is_not_this_machine(string? peer, bool here)
    {
        var context = new DefaultHttpContext();
        context.Request.Host = new HostString("localhost", 8080);
        context.Connection.RemoteIpAddress = peer is null ? null : IPAddress.Parse(peer);

        Assert.Equal(here, ThisMachine.Sent(context));
    }

    [Theory]
    [InlineData("Production")]
    [InlineData("Staging")]
    public async Task Outside_Development_it_is_not_there(string environment)
    {
        await using var app = await AuthApp.StartAsync(environment, ("Auth:SigningKey", Tokens.Key), ("Auth:Guests", "true"));

        Assert.Equal(404, (await app.SendAsync(HttpMethod.Post, "/dev/token", """{"username":"alice"}""")).Status);
        Assert.Equal(404, (await app.SendAsync(HttpMethod.Get, "/dev/token")).Status);
    }

    [Fact]
    public async Task With_an_issuers_keys_alone_there_is_nothing_to_sign_with()
    {
        await using var app = await AuthApp.StartAsync(
            "Development", ("Auth:JwksUri", "http://127.0.0.1:9/keys"), ("Auth:Issuer", "us"), ("Auth:Audience", "chat"));

        Assert.Equal(404, (await app.SendAsync(HttpMethod.Post, "/dev/token", """{"username":"alice"}""")).Status);
        Assert.Equal(404, (await app.SendAsync(HttpMethod.Post, "/auth/guest", """{"username":"alice"}""")).Status);
    }
}
