using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using OrleansChat.Tests.Support;
using OrleansChat.WebFront.Auth;

namespace OrleansChat.Tests.Auth;

public sealed class TokenReaderTests
{
    private const long Now = 1_800_000_000;

    private readonly FakeTimeProvider _time = new(DateTimeOffset.FromUnixTimeSeconds(Now));

    [Fact]
    public async Task A_good_token_says_who_is_there()
    {
        var reading = await ReadAsync(Tokens.Hs256($$"""{"userId":"alice","username":"Alice","roles":["admin","service"],"exp":{{Now + 60}}}"""));

        Assert.True(reading.IsGood);
        Assert.Equal("alice", reading.Identity.UserId);
        Assert.Equal("Alice", reading.Identity.Username);
        Assert.Equal("admin,service", string.Join(',', reading.Identity.Roles.Order(StringComparer.Ordinal)));
        Assert.Equal(DateTimeOffset.FromUnixTimeSeconds(Now + 60), reading.Identity.ExpiresAt);
    }

    [Theory]
    [InlineData("""{"userId":"u","sub":"s","username":"A","name":"B","preferred_username":"C","exp":1800000060}""", "u", "A")]
    [InlineData("""{"sub":"s","name":"B","preferred_username":"C","exp":1800000060}""", "s", "B")]
    [InlineData("""{"sub":"s","preferred_username":"C","exp":1800000060}""", "s", "C")]
    [InlineData("""{"sub":"s","exp":1800000060}""", "s", "s")]
    [InlineData("""{"userId":null,"sub":"s","username":null,"name":"","preferred_username":"C","exp":1800000060}""", "s", "C")]
    [InlineData("""{"sub":"Zoë 🦊","exp":1800000060}""", "Zoë 🦊", "Zoë 🦊")]
    public async Task The_user_is_userId_else_sub_and_the_name_the_first_that_is_there(string payload, string userId, string username)
    {
        var reading = await ReadAsync(Tokens.Hs256(payload));

        Assert.Equal((userId, username), (reading.Identity?.UserId, reading.Identity?.Username));
    }

    [Theory]
    [InlineData("""["admin","moderator"]""", "null", "admin,moderator")]
    [InlineData("\"admin\"", "null", "admin")]
    [InlineData("null", "\"moderator\"", "moderator")]
    [InlineData("null", """["admin","guest"]""", "admin,guest")]
    [InlineData("[]", "\"admin\"", "")]
    [InlineData("\"admin\"", "\"moderator\"", "admin")]
    [InlineData("""["Admin","admin","admin"]""", "null", "Admin,admin")]
    [InlineData("null", "null", "")]
    public async Task Roles_are_an_array_or_one_string_and_role_counts_only_without_them(string roles, string role, string expected)
    {
        var reading = await ReadAsync(Tokens.Hs256($$"""{"sub":"s","roles":{{roles}},"role":{{role}},"exp":{{Now + 60}}}"""));

        Assert.Equal(expected, string.Join(',', reading.Identity!.Roles.Order(StringComparer.Ordinal)));
    }

    [Theory]
    [InlineData("""{"sub":"s"}""", TokenRefusal.Claims)]
    [InlineData("""{"sub":"s","exp":"1800000060"}""", TokenRefusal.Claims)]
    [InlineData("""{"sub":"s","exp":1799999999}""", TokenRefusal.Expired)]
    [InlineData("""{"sub":"s","exp":1800000000}""", TokenRefusal.Expired)]
    [InlineData("""{"sub":"s","exp":0}""", TokenRefusal.Expired)]
    [InlineData("""{"sub":"s","exp":1800000060,"nbf":1800000001}""", TokenRefusal.NotYetValid)]
    [InlineData("""{"sub":"s","exp":1800000060,"nbf":"0"}""", TokenRefusal.Claims)]
    [InlineData("""{"exp":1800000060}""", TokenRefusal.Claims)]
    [InlineData("""{"sub":"","exp":1800000060}""", TokenRefusal.Claims)]
    [InlineData("""{"userId":"","sub":"s","exp":1800000060}""", TokenRefusal.Claims)]
    [InlineData("""{"userId":42,"sub":"s","exp":1800000060}""", TokenRefusal.Claims)]
    [InlineData("""{"userId":["s"],"exp":1800000060}""", TokenRefusal.Claims)]
    [InlineData("""{"sub":"a\nb","exp":1800000060}""", TokenRefusal.Claims)]
    [InlineData("""{"sub":"a\u0000","exp":1800000060}""", TokenRefusal.Claims)]
    [InlineData("""{"sub":"a\u0085","exp":1800000060}""", TokenRefusal.Claims)]
    [InlineData("""{"sub":"s","username":7,"exp":1800000060}""", TokenRefusal.Claims)]
    [InlineData("""{"sub":"s","username":"a\u001b[2J","exp":1800000060}""", TokenRefusal.Claims)]
    [InlineData("""{"sub":"s","roles":{"admin":true},"exp":1800000060}""", TokenRefusal.Claims)]
    [InlineData("""{"sub":"s","roles":["admin",1],"exp":1800000060}""", TokenRefusal.Claims)]
    [InlineData("""{"sub":"s","sub":"admin","exp":1800000060}""", TokenRefusal.Claims)]
    public async Task A_well_signed_token_with_claims_that_do_not_fit_is_refused(string payload, object refusal) =>
        Assert.Equal(refusal, (await ReadAsync(Tokens.Hs256(payload))).Refusal);

    [Theory]
    [InlineData("""{"sub":"s","exp":null}""")]
    [InlineData("""{"sub":"s","exp":true}""")]
    [InlineData("""{"sub":"s","exp":-1e300}""")]
    [InlineData("""{"sub":"a\ud800","exp":1800000060}""")]
    [InlineData("""{"sub":"s","iss":5,"exp":1800000060}""")]
    [InlineData("""{"sub":"s","exp":1e300}""")]
    [InlineData("""{"sub":"s","exp":1800000060,"nbf":null}""")]
    [InlineData("""{"sub":"s","aud":{},"exp":1800000060}""")]
    public async Task Claims_that_the_library_cannot_read_refuse_the_token_as_well(string payload) =>
        Assert.False((await ReadAsync(Tokens.Hs256(payload))).IsGood);

    [Theory]
    [InlineData(128, true)]
    [InlineData(129, false)]
    public async Task A_user_id_and_a_name_have_at_most_128_characters(int length, bool good)
    {
        var text = new string('é', length);
        Assert.Equal(good, (await ReadAsync(Tokens.Hs256($$"""{"sub":"{{text}}","name":"n","exp":{{Now + 60}}}"""))).IsGood);
        Assert.Equal(good, (await ReadAsync(Tokens.Hs256($$"""{"sub":"s","name":"{{text}}","exp":{{Now + 60}}}"""))).IsGood);
    }

    [Theory]
    [InlineData("1800000000.001", 1_800_000_000_001)]
    [InlineData("1.80000006e9", 1_800_000_060_000)]
    [InlineData("253402300799", 253_402_300_799_000)]
    [InlineData("1800000060000", 253_402_300_799_999)]
    public async Task A_lifetime_has_no_cap_and_may_end_within_a_second(string exp, long expiresAt)
    {
        var reading = await ReadAsync(Tokens.Hs256($$"""{"sub":"s","nbf":{{Now}},"exp":{{exp}}}"""));

        Assert.Equal(expiresAt, reading.Identity?.ExpiresAt.ToUnixTimeMilliseconds());
    }

    [Fact]
    public async Task A_token_is_good_until_the_very_moment_it_expires()
    {
        var token = Tokens.For("s", DateTimeOffset.FromUnixTimeSeconds(Now + 60));
        var reader = Reader(Tokens.Key);

        _time.Advance(TimeSpan.FromSeconds(60) - TimeSpan.FromMilliseconds(1));
        Assert.True((await reader.ReadAsync(token, TestContext.Current.CancellationToken)).IsGood);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(TokenRefusal.Expired, (await reader.ReadAsync(token, TestContext.Current.CancellationToken)).Refusal);
    }

    [Theory]
    [InlineData("\"us\"", "\"chat\"", true)]
    [InlineData("\"us\"", """["other","chat"]""", true)]
    [InlineData("\"them\"", "\"chat\"", false)]
    [InlineData("\"US\"", "\"chat\"", false)]
    [InlineData("null", "\"chat\"", false)]
    [InlineData("\"us\"", "\"other\"", false)]
    [InlineData("\"us\"", """["other"]""", false)]
    [InlineData("\"us\"", """["chat",1]""", false)]
    [InlineData("\"us\"", "[]", false)]
    [InlineData("\"us\"", "null", false)]
    public async Task A_configured_issuer_and_audience_must_be_in_the_token(string iss, string aud, bool good)
    {
        var token = Tokens.Hs256($$"""{"sub":"s","iss":{{iss}},"aud":{{aud}},"exp":{{Now + 60}}}""");
        var reader = Reader(Tokens.Key, issuer: "us", audience: "chat");

        Assert.Equal(good, (await reader.ReadAsync(token, TestContext.Current.CancellationToken)).IsGood);
    }

    [Fact]
    public async Task Where_none_is_configured_any_issuer_and_audience_will_do() =>
        Assert.True((await ReadAsync(Tokens.Hs256($$"""{"sub":"s","iss":"x","aud":["y"],"exp":{{Now + 60}}}"""))).IsGood);

    [Theory]
    [InlineData(32, true, false, false)]
    [InlineData(47, true, false, false)]
    [InlineData(48, true, true, false)]
    [InlineData(63, true, true, false)]
    [InlineData(64, true, true, true)]
    public async Task Each_algorithm_needs_a_key_as_long_as_its_hash(int keyBytes, bool hs256, bool hs384, bool hs512)
    {
        var key = Tokens.Key[..keyBytes];
        var payload = $$"""{"sub":"s","exp":{{Now + 60}}}""";

        Assert.Equal((hs256, hs384, hs512), (
            (await ReadAsync(Tokens.Hs256(payload, key), key)).IsGood,
            (await ReadAsync(Tokens.Hs384(payload, key), key)).IsGood,
            (await ReadAsync(Tokens.Hs512(payload, key), key)).IsGood));
        if (!hs384) // Refused before the secret is touched, whatever the library thinks of its length.
            Assert.Equal(TokenRefusal.Algorithm, (await ReadAsync(Tokens.Hs384(payload, key), key)).Refusal);
    }

    [Fact]
    public async Task A_key_counts_in_its_utf8_bytes_as_they_stand()
    {
        const string Key = "ключ из шестнадц"; // 16 characters, 30 bytes
        Assert.True((await ReadAsync(Tokens.Hs256($$"""{"sub":"s","exp":{{Now + 60}}}""", Key + "= "), Key + "= ")).IsGood);
        Assert.Equal(30, Encoding.UTF8.GetByteCount(Key));
    }

    [Theory]
    [InlineData("none")]
    [InlineData("None")]
    [InlineData("")]
    [InlineData("hs256")]
    [InlineData("HS257")]
    [InlineData("RS256")]
    [InlineData("ES256")]
    [InlineData("dir")]
    public async Task An_algorithm_there_is_no_key_for_is_refused_however_it_is_signed(string algorithm)
    {
        var token = Tokens.Hs256($$"""{"sub":"s","exp":{{Now + 60}}}""", header: $$"""{"alg":"{{algorithm}}"}""");
        Assert.Equal(TokenRefusal.Algorithm, (await ReadAsync(token)).Refusal);
    }

    [Theory]
    [InlineData("""{"typ":"JWT"}""")]
    [InlineData("""{"alg":null}""")]
    [InlineData("""{"alg":["HS256"]}""")]
    [InlineData("""{"alg":"HS256","crit":["exp"]}""")]
    [InlineData("""{"alg":"HS256","crit":[]}""")]
    [InlineData("[]")]
    [InlineData("\"HS256\"")]
    [InlineData("{")]
    public async Task A_header_that_does_not_fit_is_refused(string header) =>
        Assert.False((await ReadAsync(Tokens.Hs256($$"""{"sub":"s","exp":{{Now + 60}}}""", header: header))).IsGood);

    [Theory]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("5")]
    [InlineData("")]
    [InlineData("{\"sub\":\"s\",")]
    [InlineData("{\"sub\":\"s\",\"exp\":1800000060}x")]
    public async Task A_payload_that_is_no_object_is_refused(string payload) =>
        Assert.False((await ReadAsync(Tokens.Hs256(payload))).IsGood);

    [Fact]
    public async Task A_token_by_another_key_or_changed_anywhere_is_refused()
    {
        var good = Tokens.Hs256($$"""{"sub":"s","exp":{{Now + 60}}}""");
        Assert.True((await ReadAsync(good)).IsGood);
        Assert.Equal(TokenRefusal.Signature, (await ReadAsync(Tokens.Hs256($$"""{"sub":"s","exp":{{Now + 60}}}""", Tokens.Key + "!"))).Refusal);
        for (var i = 0; i < good.Length; i++)
        {
            // The next letter, the smallest change there is: on the last one it changes bits that no byte has.
            var changed = good[..i] + (good[i] is 'z' ? 'a' : (char)(good[i] + 1)) + good[(i + 1)..];
            Assert.False((await ReadAsync(changed)).IsGood, $"changed at {i}");
        }
    }

    [Theory]
    [InlineData(null, TokenRefusal.Missing)]
    [InlineData("", TokenRefusal.Missing)]
    [InlineData(" ", TokenRefusal.Malformed)]
    [InlineData("garbage", TokenRefusal.Malformed)]
    [InlineData("..", TokenRefusal.Malformed)]
    [InlineData("a.b", TokenRefusal.Malformed)]
    [InlineData("a.b.c", TokenRefusal.Malformed)]
    [InlineData("a.b.c.d.e", TokenRefusal.Malformed)]
    [InlineData("e30.e30.", TokenRefusal.Malformed)]
    [InlineData("e30=.e30.e30", TokenRefusal.Malformed)]
    [InlineData("e3 0.e30.e30", TokenRefusal.Malformed)]
    [InlineData("ééé.e30.e30", TokenRefusal.Malformed)]
    public async Task What_is_no_token_at_all_is_refused(string? token, object refusal) =>
        Assert.Equal(refusal, (await ReadAsync(token)).Refusal);

    [Fact]
    public async Task The_none_algorithm_without_a_signature_is_refused()
    {
        var unsigned = $"{Tokens.Encode("""{"alg":"none"}""")}.{Tokens.Encode($$"""{"sub":"s","exp":{{Now + 60}}}""")}";
        Assert.False((await ReadAsync(unsigned)).IsGood);
        Assert.False((await ReadAsync(unsigned + ".")).IsGood);
        Assert.False((await ReadAsync(unsigned + ".AAAA")).IsGood);
    }

    [Fact]
    public async Task A_token_of_more_than_8192_characters_is_not_looked_at()
    {
        string Padded(int padding) => Tokens.Hs256($$"""{"sub":"s","exp":{{Now + 60}},"x":"{{new string('x', padding)}}"}""");
        var atLimit = Padded(6000);
        Assert.InRange(atLimit.Length, 8000, TokenReader.MaxChars);
        Assert.True((await ReadAsync(atLimit)).IsGood);
        Assert.Equal(TokenRefusal.TooLong, (await ReadAsync(Padded(6200))).Refusal);
        Assert.Equal(TokenRefusal.TooLong, (await ReadAsync(new string('a', 10_000_000))).Refusal);
    }

    [Fact]
    public async Task Random_bytes_are_refused_and_nothing_is_thrown()
    {
        var random = new Random(20260101);
        string Segment()
        {
            var bytes = new byte[random.Next(1, 60)];
            random.NextBytes(bytes);
            return System.Buffers.Text.Base64Url.EncodeToString(bytes);
        }
        for (var i = 0; i < 500; i++)
            Assert.False((await ReadAsync($"{Segment()}.{Segment()}.{Segment()}")).IsGood);
    }

    private ValueTask<TokenReading> ReadAsync(string? token, string key = Tokens.Key) => Reader(key).ReadAsync(token, TestContext.Current.CancellationToken);

    private TokenReader Reader(string key, string? issuer = null, string? audience = null)
    {
        var options = new AuthOptions { SigningKey = key, Issuer = issuer, Audience = audience };
        return new TokenReader(options, SigningSecret.Of(options, development: false), new JwksKeys(options, _time, NullLogger<JwksKeys>.Instance), _time, NullLogger<TokenReader>.Instance);
    }
}
