using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using OrleansChat.Tests.Support;
using OrleansChat.WebFront.Auth;

namespace OrleansChat.Tests.Auth;

public sealed class AuthOptionsTests
{
    private const string Jwks = "https://issuer.example/keys";

    [Theory]
    [InlineData("Production")]
    [InlineData("Staging")]
    public async Task Outside_Development_nothing_starts_without_a_key(string environment)
    {
        var (app, _, _) = AuthApp.Build(environment);
        await using (app)
        {
            var refused = await Assert.ThrowsAsync<OptionsValidationException>(() => app.StartAsync(TestContext.Current.CancellationToken));
            Assert.StartsWith("Auth:SigningKey or Auth:JwksUri must be set", refused.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Development_without_a_key_makes_one_and_says_so_without_showing_it()
    {
        await using var app = await AuthApp.StartAsync("Development");

        var line = Assert.Single(app.Logs.Lines, line => line.Category.StartsWith("OrleansChat", StringComparison.Ordinal));
        Assert.Equal(LogLevel.Information, line.Level);
        Assert.Equal("Auth:SigningKey is not set, so this process made up a key: tokens from /dev/token and /auth/guest are good here until it ends", line.Message);
    }

    [Fact]
    public async Task A_configured_key_is_nothing_to_talk_about()
    {
        await using var app = await AuthApp.StartAsync("Development", ("Auth:SigningKey", Tokens.Key));

        Assert.DoesNotContain(app.Logs.Lines, line => line.Category.StartsWith("OrleansChat", StringComparison.Ordinal));
        Assert.DoesNotContain(Tokens.Key, app.Logs.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_setting_has_its_default_and_its_place_in_the_section()
    {
        var options = new AuthOptions();
        Assert.Equal((null, 60, true), (options.Guests, options.GuestsPerMinute, options.QueryToken));
        Assert.Equal((null, null, null, null), (options.SigningKey, options.JwksUri, options.Issuer, options.Audience));
        Assert.DoesNotContain(Tokens.Key, new AuthOptions { SigningKey = Tokens.Key }.ToString(), StringComparison.Ordinal);
    }

    public static TheoryData<string, string> Refused => new()
    {
        { "SigningKey=0123456789abcdef0123456789abcde", "Auth:SigningKey has 31 bytes; it must have at least 32" },
        { "SigningKey=ключ", "Auth:SigningKey has 8 bytes" },
        { $"JwksUri={Jwks};Audience=chat", "Auth:Issuer must be set" },
        { $"JwksUri={Jwks};Issuer=us", "Auth:Audience must be set" },
        { "JwksUri=http://issuer.example/keys;Issuer=us;Audience=chat", "Auth:JwksUri must be an absolute https address" },
        { "JwksUri=/keys;Issuer=us;Audience=chat", "Auth:JwksUri must be" },
        { "JwksUri=file:///etc/keys;Issuer=us;Audience=chat", "Auth:JwksUri must be" },
        { $"JwksUri={Jwks};Issuer=us;Audience=chat;Guests=true", "Auth:Guests is true" },
        { $"SigningKey={Tokens.Key};GuestsPerMinute=-1", "Auth:GuestsPerMinute must be from 0 (no limit) to 1000000." },
        { $"SigningKey={Tokens.Key};GuestsPerMinute=1000001", "Auth:GuestsPerMinute must be" },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public void A_bad_setting_is_refused_in_a_sentence_that_names_its_key(string settings, string sentence)
    {
        foreach (var development in new[] { true, false })
            Assert.StartsWith(sentence, Assert.Single(AuthOptionsCheck.Failures(Parse(settings), development)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("SigningKey=0123456789abcdef0123456789abcdef")]
    [InlineData("SigningKey=ключ ключ ключ ключ;Guests=true")]
    [InlineData($"JwksUri={Jwks};Issuer=us;Audience=chat")]
    [InlineData("JwksUri=http://127.0.0.1:5000/keys;Issuer=us;Audience=chat")]
    [InlineData("JwksUri=http://localhost/keys;Issuer=us;Audience=chat;Guests=false")]
    [InlineData($"JwksUri={Jwks};Issuer=us;Audience=chat;SigningKey={Tokens.Key};Guests=true;GuestsPerMinute=0")]
    public void What_is_complete_starts_in_Production(string settings) => Assert.Empty(AuthOptionsCheck.Failures(Parse(settings), development: false));

    [Fact]
    public void All_that_is_wrong_is_told_at_once() =>
        Assert.Equal(4, AuthOptionsCheck.Failures(Parse("JwksUri=http://issuer.example;Guests=true"), development: false).Count());

    private static AuthOptions Parse(string settings)
    {
        var values = settings.Split(';').Select(setting => setting.Split('=', 2)).ToDictionary(pair => pair[0], pair => pair[1], StringComparer.Ordinal);
        return new AuthOptions
        {
            SigningKey = values.GetValueOrDefault("SigningKey"),
            JwksUri = values.GetValueOrDefault("JwksUri"),
            Issuer = values.GetValueOrDefault("Issuer"),
            Audience = values.GetValueOrDefault("Audience"),
            Guests = values.TryGetValue("Guests", out var guests) ? bool.Parse(guests) : null,
            GuestsPerMinute = values.TryGetValue("GuestsPerMinute", out var limit) ? int.Parse(limit) : 60,
        };
    }
}
