using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace OrleansChat.WebFront.Auth;

/// <summary>Signs tokens of our own, for guests and for development: HS256, with the configured issuer and audience in them so that the reader believes them.</summary>
internal sealed class TokenIssuer(AuthOptions options, SigningSecret secret, TimeProvider time)
{
    private readonly JsonWebTokenHandler _handler = new() { SetDefaultTimesOnTokenCreation = false };
    private readonly SigningCredentials? _credentials =
        secret.Bytes is { } bytes ? new SigningCredentials(new SymmetricSecurityKey(bytes), SecurityAlgorithms.HmacSha256) : null;

    /// <summary>Whether there is a key to sign with.</summary>
    public bool CanIssue => _credentials is not null;

    /// <summary>A token that is good for <paramref name="lifetime"/> and up to a second more: <c>exp</c> is in whole seconds, which every library reads.</summary>
    /// <exception cref="InvalidOperationException">There is no key: ask <see cref="CanIssue"/> first.</exception>
    public IssuedToken Issue(string userId, string username, string[] roles, TimeSpan lifetime)
    {
        if (_credentials is null)
            throw new InvalidOperationException("There is no key to sign with.");
        var now = time.GetUtcNow();
        var exp = (long)Math.Ceiling((now + lifetime).ToUnixTimeMilliseconds() / 1000.0);
        var claims = new IssuedClaims(NullIfEmpty(options.Issuer), NullIfEmpty(options.Audience), userId, username, roles, now.ToUnixTimeSeconds(), exp);
        var token = _handler.CreateToken(JsonSerializer.Serialize(claims, AuthJson.Default.IssuedClaims), _credentials);
        return new IssuedToken(token, userId, username, exp * 1000);
    }

    private static string? NullIfEmpty(string? text) => string.IsNullOrEmpty(text) ? null : text;
}

/// <summary>What <c>/auth/guest</c> and <c>/dev/token</c> answer with.</summary>
/// <param name="Token">The JWT.</param>
/// <param name="UserId">Its user.</param>
/// <param name="Username">Its name.</param>
/// <param name="ExpiresAt">Unix milliseconds; the token's <c>exp</c>.</param>
internal sealed record IssuedToken(string Token, string UserId, string Username, long ExpiresAt)
{
    /// <summary>Without the token: a record would print it.</summary>
    public override string ToString() => $"a token of {UserId}";
}

/// <summary>The payload of a token of ours.</summary>
internal sealed record IssuedClaims(
    [property: JsonPropertyName("iss")] string? Issuer,
    [property: JsonPropertyName("aud")] string? Audience,
    [property: JsonPropertyName("sub")] string UserId,
    [property: JsonPropertyName("username")] string Username,
    [property: JsonPropertyName("roles")] string[] Roles,
    [property: JsonPropertyName("iat")] long IssuedAt,
    [property: JsonPropertyName("exp")] long ExpiresAt);
