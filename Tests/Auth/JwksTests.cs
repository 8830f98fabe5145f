using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using OrleansChat.Tests.Support;
using OrleansChat.WebFront.Auth;

namespace OrleansChat.Tests.Auth;

public sealed class JwksTests : IDisposable
{
    private const string Payload = """{"sub":"alice","iss":"us","aud":"chat","exp":1900000000}""";

    private static readonly RSA First = RSA.Create(2048);
    private static readonly RSA Second = RSA.Create(2048);

    private readonly FakeTimeProvider _time = new(DateTimeOffset.FromUnixTimeSeconds(AuthApp.Now));
    private readonly CapturedLogs _logs = new();
    private JwksKeys? _keys;

    [Fact]
    public async Task Tokens_by_published_rsa_and_ec_keys_are_good_in_all_their_algorithms()
    {
        using var ec = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        await using var server = await JwksServer.StartAsync(JwksServer.Rsa(First, "rsa"), JwksServer.Ec(ec, "ec"));
        var reader = Reader(server.Address);

        Assert.Equal("alice", (await ReadAsync(reader, Tokens.Rs256(Payload, First, "rsa"))).Identity?.UserId);
        Assert.True((await ReadAsync(reader, Tokens.Ps384(Payload, First, "rsa"))).IsGood);
        Assert.True((await ReadAsync(reader, Tokens.Es256(Payload, ec, "ec"))).IsGood);
        Assert.Equal(1, server.Requests);
    }

    [Fact]
    public async Task Es384_and_Es512_go_with_their_own_curves_alone()
    {
        using var p384 = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        using var p521 = ECDsa.Create(ECCurve.NamedCurves.nistP521);
        await using var server = await JwksServer.StartAsync(JwksServer.Ec(p384, "k3", "P-384"), JwksServer.Ec(p521, "k5", "P-521"));
        var reader = Reader(server.Address);

        Assert.True((await ReadAsync(reader, Es("ES384", "k3", p384, HashAlgorithmName.SHA384))).IsGood);
        Assert.True((await ReadAsync(reader, Es("ES512", "k5", p521, HashAlgorithmName.SHA512))).IsGood);
        Assert.Equal(TokenRefusal.UnknownKey, (await ReadAsync(reader, Es("ES256", "k3", p384, HashAlgorithmName.SHA256))).Refusal);

        static string Es(string algorithm, string kid, ECDsa key, HashAlgorithmName hash) =>
            Tokens.Sign($$"""{"alg":"{{algorithm}}","kid":"{{kid}}"}""", Payload, input => key.SignData(input, hash));
    }

    [Fact]
    public async Task Without_a_kid_every_key_of_the_fitting_type_is_tried()
    {
        await using var server = await JwksServer.StartAsync(JwksServer.Rsa(First, "1"), JwksServer.Rsa(Second, null));
        var reader = Reader(server.Address);

        Assert.True((await ReadAsync(reader, Tokens.Rs256(Payload, First, kid: null))).IsGood);
        Assert.True((await ReadAsync(reader, Tokens.Rs256(Payload, Second, kid: null))).IsGood);
        Assert.True((await ReadAsync(reader, Tokens.Rs256(Payload, Second, "a name its key does not bear"))).IsGood);
        Assert.Equal(1, server.Requests);
    }

    [Fact]
    public async Task A_public_key_is_never_taken_for_a_secret()
    {
        await using var server = await JwksServer.StartAsync(JwksServer.Rsa(First, "1"), """{"kty":"oct","kid":"o","k":"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY","alg":"HS256"}""");
        var withoutSecret = Reader(server.Address);
        var withSecret = Reader(server.Address, Tokens.Key);
        foreach (var text in new[] { First.ExportSubjectPublicKeyInfoPem(), First.ExportRSAPublicKeyPem(), JwksServer.Rsa(First, "1"), "0123456789abcdef0123456789abcdef" })
        {
            foreach (var kid in new[] { "", ",\"kid\":\"1\"", ",\"kid\":\"o\"" })
            {
                var forged = Tokens.Hs256(Payload, text, $$"""{"alg":"HS256"{{kid}}}""");
                Assert.Equal(TokenRefusal.Algorithm, (await ReadAsync(withoutSecret, forged)).Refusal);
                Assert.Equal(TokenRefusal.Signature, (await ReadAsync(withSecret, forged)).Refusal);
            }
        }
    }

    [Fact]
    public async Task A_key_in_the_tokens_own_header_is_not_believed()
    {
        await using var server = await JwksServer.StartAsync(JwksServer.Rsa(First, "1"));
        var token = Tokens.Sign(
            $$"""{"alg":"RS256","kid":"1","jwk":{{JwksServer.Rsa(Second, "1")}},"jku":"{{server.Address}}"}""",
            Payload,
            input => Second.SignData(input, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));

        Assert.Equal(TokenRefusal.Signature, (await ReadAsync(Reader(server.Address), token)).Refusal);
    }

    [Fact]
    public async Task With_both_configured_the_algorithm_says_which_is_tried()
    {
        await using var server = await JwksServer.StartAsync(JwksServer.Rsa(First, "1"));
        var reader = Reader(server.Address, Tokens.Key);

        Assert.True((await ReadAsync(reader, Tokens.Hs256(Payload))).IsGood);
        Assert.Equal(0, server.Requests);
        Assert.True((await ReadAsync(reader, Tokens.Rs256(Payload, First, "1"))).IsGood);
    }

    [Theory]
    [InlineData(",\"use\":\"enc\"")]
    [InlineData(",\"alg\":\"RS512\"")]
    [InlineData(",\"alg\":\"RSA-OAEP\"")]
    [InlineData(",\"key_ops\":[\"encrypt\"]")]
    [InlineData(",\"key_ops\":7")]
    [InlineData(",\"kty\":\"EC\"")]
    public async Task A_key_that_is_not_for_this_is_not_used(string more)
    {
        await using var server = await JwksServer.StartAsync(JwksServer.Rsa(First, "1", more));
        Assert.Equal(TokenRefusal.UnknownKey, (await ReadAsync(Reader(server.Address), Tokens.Rs256(Payload, First, "1"))).Refusal);
    }

    [Fact]
    public async Task One_unusable_key_does_not_spoil_the_set()
    {
        using var small = RSA.Create(1024);
        await using var server = await JwksServer.StartAsync(
            "5", "{}", """{"kty":5}""", """{"kty":"RSA","kid":"x"}""", """{"kty":"RSA","n":"!","e":"AQAB"}""", """{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}""",
            """{"kty":"OKP","crv":"Ed25519","x":"AA"}""", JwksServer.Rsa(small, "small"), JwksServer.Rsa(First, "1", ",\"use\":\"sig\",\"key_ops\":[\"verify\"],\"alg\":\"RS256\""));
        var reader = Reader(server.Address);

        Assert.True((await ReadAsync(reader, Tokens.Rs256(Payload, First, "1"))).IsGood);
        Assert.Equal(TokenRefusal.UnknownKey, (await ReadAsync(reader, Tokens.Rs256(Payload, small, "small"))).Refusal);
    }

    [Fact]
    public async Task A_kid_that_is_new_is_looked_up_but_only_every_30_seconds()
    {
        await using var server = await JwksServer.StartAsync(JwksServer.Rsa(First, "1"));
        var reader = Reader(server.Address);
        Assert.True((await ReadAsync(reader, Tokens.Rs256(Payload, First, "1"))).IsGood);
        Assert.Equal(1, server.Requests);

        server.Publish(JwksServer.Rsa(First, "1"), JwksServer.Rsa(Second, "2"));
        for (var i = 0; i < 20; i++)
            Assert.Equal(TokenRefusal.UnknownKey, (await ReadAsync(reader, Tokens.Rs256(Payload, Second, "2"))).Refusal);
        Assert.Equal(1, server.Requests);

        _time.Advance(TimeSpan.FromSeconds(29.9));
        Assert.False((await ReadAsync(reader, Tokens.Rs256(Payload, Second, "2"))).IsGood);
        _time.Advance(TimeSpan.FromSeconds(0.1));
        Assert.True((await ReadAsync(reader, Tokens.Rs256(Payload, Second, "2"))).IsGood);
        Assert.Equal(2, server.Requests);

        for (var i = 0; i < 20; i++)
            Assert.Equal(TokenRefusal.UnknownKey, (await ReadAsync(reader, Tokens.Rs256(Payload, Second, $"made up {i}"))).Refusal);
        Assert.Equal(2, server.Requests);
    }

    [Fact]
    public async Task A_new_key_without_a_name_is_looked_up_as_well()
    {
        await using var server = await JwksServer.StartAsync(JwksServer.Rsa(First, null));
        var reader = Reader(server.Address);
        Assert.True((await ReadAsync(reader, Tokens.Rs256(Payload, First, null))).IsGood);

        server.Publish(JwksServer.Rsa(Second, null));
        Assert.Equal(TokenRefusal.Signature, (await ReadAsync(reader, Tokens.Rs256(Payload, Second, null))).Refusal);
        _time.Advance(JwksKeys.Pause);
        Assert.True((await ReadAsync(reader, Tokens.Rs256(Payload, Second, null))).IsGood);
        Assert.Equal(2, server.Requests);
    }

    [Fact]
    public async Task However_many_wait_for_the_keys_they_are_fetched_once()
    {
        await using var server = await JwksServer.StartAsync();
        var asked = new TaskCompletionSource();
        var answer = new TaskCompletionSource();
        server.Answer = async context =>
        {
            asked.SetResult();
            await answer.Task;
            await context.Response.WriteAsync($$"""{"keys":[{{JwksServer.Rsa(First, "1")}}]}""");
        };
        var reader = Reader(server.Address);

        var waiting = Enumerable.Range(0, 50).Select(_ => ReadAsync(reader, Tokens.Rs256(Payload, First, "1")).AsTask()).ToArray();
        await asked.Task;
        answer.SetResult();

        Assert.All(await Task.WhenAll(waiting), reading => Assert.True(reading.IsGood));
        Assert.Equal(1, server.Requests);
    }

    [Fact]
    public async Task One_who_stops_waiting_does_not_stop_the_others()
    {
        await using var server = await JwksServer.StartAsync();
        var asked = new TaskCompletionSource();
        var answer = new TaskCompletionSource();
        server.Answer = async context =>
        {
            asked.SetResult();
            await answer.Task;
            await context.Response.WriteAsync($$"""{"keys":[{{JwksServer.Rsa(First, "1")}}]}""");
        };
        var reader = Reader(server.Address);
        using var gone = new CancellationTokenSource();

        var first = reader.ReadAsync(Tokens.Rs256(Payload, First, "1"), gone.Token).AsTask();
        var second = ReadAsync(reader, Tokens.Rs256(Payload, First, "1")).AsTask();
        await asked.Task;
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        answer.SetResult();

        Assert.True((await second).IsGood);
    }

    public static TheoryData<string> Failures => ["500", "no json", "no set", "huge", "elsewhere", "cut off"];

    [Theory]
    [MemberData(nameof(Failures))]
    public async Task The_old_keys_stand_while_the_address_does_not_answer_as_it_should(string failure)
    {
        await using var server = await JwksServer.StartAsync(JwksServer.Rsa(First, "1"));
        var reader = Reader(server.Address);
        Assert.True((await ReadAsync(reader, Tokens.Rs256(Payload, First, "1"))).IsGood);

        server.Answer = async context =>
        {
            switch (failure)
            {
                case "500": context.Response.StatusCode = 500; break;
                case "no json": await context.Response.WriteAsync("<html>"); break;
                case "no set": await context.Response.WriteAsync("""{"keys":{}}"""); break;
                case "huge": await context.Response.WriteAsync($$"""{"keys":[],"x":"{{new string('x', 300_000)}}"}"""); break;
                case "elsewhere": context.Response.Redirect("/keys"); break;
                default: context.Abort(); break;
            }
        };
        _time.Advance(JwksKeys.Pause);
        Assert.Equal(TokenRefusal.UnknownKey, (await ReadAsync(reader, Tokens.Rs256(Payload, Second, "2"))).Refusal);
        Assert.Equal(2, server.Requests);

        Assert.True((await ReadAsync(reader, Tokens.Rs256(Payload, First, "1"))).IsGood);
        var warning = Assert.Single(_logs.Lines, line => line.Level >= LogLevel.Warning);
        Assert.EndsWith("the keys of its last answer stand", warning.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_address_that_hangs_is_given_up_after_5_seconds()
    {
        await using var server = await JwksServer.StartAsync(JwksServer.Rsa(First, "1"));
        var reader = Reader(server.Address);
        Assert.True((await ReadAsync(reader, Tokens.Rs256(Payload, First, "1"))).IsGood);

        var asked = new TaskCompletionSource();
        server.Answer = async context =>
        {
            asked.SetResult();
            await Task.Delay(Timeout.InfiniteTimeSpan, _time, context.RequestAborted);
        };
        _time.Advance(JwksKeys.Pause);
        var waiting = ReadAsync(reader, Tokens.Rs256(Payload, Second, "2")).AsTask();
        await asked.Task;
        Assert.True((await ReadAsync(reader, Tokens.Rs256(Payload, First, "1"))).IsGood); // Meanwhile the known ones come in.
        _time.Advance(JwksKeys.AnswerTimeout);

        Assert.Equal(TokenRefusal.UnknownKey, (await waiting).Refusal);
    }

    [Fact]
    public async Task As_long_as_there_never_was_an_answer_it_asks_every_5_seconds_and_says_so()
    {
        await using var server = await JwksServer.StartAsync();
        server.Answer = context =>
        {
            context.Response.StatusCode = 503;
            return Task.CompletedTask;
        };
        var reader = Reader(server.Address);

        Assert.Equal(TokenRefusal.KeysUnavailable, (await ReadAsync(reader, Tokens.Rs256(Payload, First, "1"))).Refusal);
        server.Publish(JwksServer.Rsa(First, "1"));
        Assert.Equal(TokenRefusal.KeysUnavailable, (await ReadAsync(reader, Tokens.Rs256(Payload, First, "1"))).Refusal);
        Assert.Equal(1, server.Requests);
        _time.Advance(JwksKeys.FirstPause);
        Assert.True((await ReadAsync(reader, Tokens.Rs256(Payload, First, "1"))).IsGood);
    }

    [Fact]
    public async Task A_key_that_was_taken_back_goes_after_10_minutes_without_anybody_waiting_for_it()
    {
        await using var server = await JwksServer.StartAsync(JwksServer.Rsa(First, "1"));
        var reader = Reader(server.Address);
        Assert.True((await ReadAsync(reader, Tokens.Rs256(Payload, First, "1"))).IsGood);

        var asked = new TaskCompletionSource();
        var answer = new TaskCompletionSource();
        server.Answer = async context =>
        {
            asked.SetResult();
            await answer.Task;
            await context.Response.WriteAsync($$"""{"keys":[{{JwksServer.Rsa(Second, "2")}}]}""");
        };
        _time.Advance(JwksKeys.MaxAge);
        Assert.True((await ReadAsync(reader, Tokens.Rs256(Payload, First, "1"))).IsGood);
        await asked.Task; // By the read itself, which did not wait.
        answer.SetResult();
        await _keys!.RefreshAsync(TestContext.Current.CancellationToken); // Waits for the request under way.

        Assert.Equal(2, server.Requests);
        Assert.Equal(TokenRefusal.UnknownKey, (await ReadAsync(reader, Tokens.Rs256(Payload, First, "1"))).Refusal);
        Assert.True((await ReadAsync(reader, Tokens.Rs256(Payload, Second, "2"))).IsGood);
        Assert.Equal(2, server.Requests);
    }

    [Fact]
    public async Task A_front_starts_while_its_issuer_is_away_and_answers_503_until_it_is_back()
    {
        await using var server = await JwksServer.StartAsync();
        server.Answer = context =>
        {
            context.Abort();
            return Task.CompletedTask;
        };
        await using var app = await AuthApp.StartAsync("Production", ("Auth:JwksUri", server.Address), ("Auth:Issuer", "us"), ("Auth:Audience", "chat"));
        var bearer = ("Authorization", $"Bearer {Tokens.Rs256(Payload, First, "1")}");

        var away = await app.SendAsync(HttpMethod.Get, "/who", headers: bearer);
        Assert.Equal((503, "5"), (away.Status, away.Headers["Retry-After"]));
        Assert.Equal(404, (await app.SendAsync(HttpMethod.Post, "/auth/guest", """{"username":"Bob"}""")).Status);

        server.Publish(JwksServer.Rsa(First, "1"));
        app.Time.Advance(JwksKeys.FirstPause);
        Assert.Equal((200, "alice alice "), await app.SendAsync(HttpMethod.Get, "/who", headers: bearer) is var back ? (back.Status, back.Body) : default);
    }

    public void Dispose() => _keys?.Dispose();

    private static ValueTask<TokenReading> ReadAsync(TokenReader reader, string token) => reader.ReadAsync(token, TestContext.Current.CancellationToken);

    private TokenReader Reader(string address, string? key = null)
    {
        var options = new AuthOptions { JwksUri = address, Issuer = "us", Audience = "chat", SigningKey = key };
        _keys = new JwksKeys(options, _time, new Logger<JwksKeys>(new LoggerFactory([_logs])));
        return new TokenReader(options, SigningSecret.Of(options, development: true), _keys, _time, NullLogger<TokenReader>.Instance);
    }
}
