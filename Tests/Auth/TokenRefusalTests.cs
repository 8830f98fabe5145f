using OrleansChat.Tests.Support;

namespace OrleansChat.Tests.Auth;

public sealed class TokenRefusalTests
{
    private const string Payload = """{"sub":"alice","exp":1800000060}""";

    public static TheoryData<string, string> Challenges => new()
    {
        { "", "Bearer error=\"invalid_request\", error_description=\"A token is needed.\"" },
        { "garbage", "Bearer error=\"invalid_token\", error_description=\"The token is not valid.\"" },
        { Tokens.Hs256(Payload, "another key another key another key"), "Bearer error=\"invalid_token\", error_description=\"The token is not valid.\"" },
        { Tokens.Hs256("""{"sub":"","exp":1800000060}"""), "Bearer error=\"invalid_token\", error_description=\"The token is not valid.\"" },
        { Tokens.Hs256("""{"sub":"alice","exp":1}"""), "Bearer error=\"invalid_token\", error_description=\"The token has expired.\"" },
        { Tokens.Hs256("""{"sub":"alice","exp":1}""", "another key another key another key"), "Bearer error=\"invalid_token\", error_description=\"The token is not valid.\"" },
        { Tokens.Hs256("""{"sub":"alice","exp":1800000060,"nbf":1800000001}"""), "Bearer error=\"invalid_token\", error_description=\"The token is not valid yet.\"" },
    };

    [Theory]
    [MemberData(nameof(Challenges))]
    public async Task A_refused_token_is_answered_with_401_and_no_more_than_its_holder_may_know(string token, string challenge)
    {
        await using var app = await StartAsync();

        var answer = await app.SendAsync(HttpMethod.Get, "/who", headers: ("Authorization", $"Bearer {token}"));

        Assert.Equal(401, answer.Status);
        Assert.Equal(challenge, answer.Headers["WWW-Authenticate"]);
        Assert.Equal("application/problem+json", answer.Headers["Content-Type"]);
        Assert.Equal("no-store", answer.Headers["Cache-Control"]);
        var (code, detail) = (challenge.Split('"')[1], challenge.Split('"')[3]);
        Assert.Equal($$"""{"title":"Unauthorized","status":401,"detail":"{{detail}}","code":"{{code}}"}""", answer.Body);
    }

    [Fact]
    public async Task A_good_token_is_taken_from_all_three_places_and_never_reaches_the_log()
    {
        await using var app = await StartAsync();
        var good = Tokens.Hs256(Payload);
        var bad = Tokens.Hs256(Payload, "another key another key another key");
        foreach (var (token, status) in new[] { (good, 200), (bad, 401) })
        {
            Assert.Equal(status, (await app.SendAsync(HttpMethod.Get, $"/who?token={token}")).Status);
            Assert.Equal(status, (await app.SendAsync(HttpMethod.Get, "/who", headers: ("Authorization", $"Bearer {token}"))).Status);
            Assert.Equal(status, (await app.SendAsync(HttpMethod.Get, "/who", headers: ("Sec-WebSocket-Protocol", $"orleanschat.v1, bearer.{token}"))).Status);
        }
        // The first place with a token decides, good or bad.
        Assert.Equal(401, (await app.SendAsync(HttpMethod.Get, $"/who?token={bad}", headers: ("Authorization", $"Bearer {good}"))).Status);

        var log = app.Logs.Text;
        Assert.Contains("A token was refused: Signature", log, StringComparison.Ordinal);
        foreach (var segment in good.Split('.').Concat(bad.Split('.')))
            Assert.DoesNotContain(segment, log, StringComparison.Ordinal);
        Assert.DoesNotContain(Tokens.Key, log, StringComparison.Ordinal);
        Assert.DoesNotContain("Exception", log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task With_QueryToken_off_a_token_in_the_url_is_no_token()
    {
        await using var app = await AuthApp.StartAsync("Production", ("Auth:SigningKey", Tokens.Key), ("Auth:QueryToken", "false"));

        var answer = await app.SendAsync(HttpMethod.Get, $"/who?token={Tokens.Hs256(Payload)}");

        Assert.Equal((401, true), (answer.Status, answer.Body.Contains("A token is needed.", StringComparison.Ordinal)));
    }

    private static Task<AuthApp> StartAsync() => AuthApp.StartAsync("Production", ("Auth:SigningKey", Tokens.Key));
}
