using System.Collections.Frozen;
using System.Text.Json;

namespace OrleansChat.WebFront.Auth;

/// <summary>
/// The claims of a token whose signature is good, read strictly: a claim of the wrong type refuses the token, and is never converted or skipped.
/// JSON <c>null</c> is the same as absent.
/// </summary>
internal static class TokenClaims
{
    // A claim that stands twice would mean one thing to the issuer and another to us.
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = 16 };
    private static readonly long MaxMilliseconds = DateTimeOffset.MaxValue.ToUnixTimeMilliseconds();

    public static TokenReading Read(ReadOnlyMemory<byte> json, AuthOptions options, DateTimeOffset now)
    {
        try
        {
            using var document = JsonDocument.Parse(json, Strict);
            return document.RootElement.ValueKind is JsonValueKind.Object ? Read(document.RootElement, options, now) : TokenRefusal.Claims;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return TokenRefusal.Claims; // No JSON; or half a surrogate pair, which is an InvalidOperationException.
        }
    }

    private static TokenReading Read(JsonElement claims, AuthOptions options, DateTimeOffset now)
    {
        if (!IsFrom(claims, options.Issuer) || !IsFor(claims, options.Audience))
            return TokenRefusal.IssuerOrAudience;

        if (Find(claims, "exp") is not { } exp || !TryTime(exp, out var expiresAt))
            return TokenRefusal.Claims;
        if (now >= expiresAt)
            return TokenRefusal.Expired;
        if (Find(claims, "nbf") is { } nbf)
        {
            if (!TryTime(nbf, out var notBefore))
                return TokenRefusal.Claims;
            if (now < notBefore)
                return TokenRefusal.NotYetValid;
        }

        if ((Find(claims, "userId") ?? Find(claims, "sub")) is not { ValueKind: JsonValueKind.String } user)
            return TokenRefusal.Claims;
        var userId = user.GetString()!;
        // A profile without a name is no reason to lock its user out: an empty one counts as absent.
        var name = FindName(claims, "username") ?? FindName(claims, "name") ?? FindName(claims, "preferred_username") ?? user;
        if (name.ValueKind is not JsonValueKind.String)
            return TokenRefusal.Claims;
        var username = name.ValueEquals(userId) ? userId : name.GetString()!;
        if (!Identity.Fits(userId) || !Identity.Fits(username))
            return TokenRefusal.Claims;

        return TryRoles(Find(claims, "roles") ?? Find(claims, "role"), out var roles)
            ? new TokenReading(new Identity(userId, username, roles, expiresAt), TokenRefusal.None)
            : TokenRefusal.Claims;
    }

    private static JsonElement? Find(JsonElement claims, string name) =>
        claims.TryGetProperty(name, out var value) && value.ValueKind is not JsonValueKind.Null ? value : null;

    private static JsonElement? FindName(JsonElement claims, string name) =>
        Find(claims, name) is { } value && !(value.ValueKind is JsonValueKind.String && value.ValueEquals("")) ? value : null;

    // Where nothing is configured any issuer will do, but what stands there must be one.
    private static bool IsFrom(JsonElement claims, string? issuer) =>
        Find(claims, "iss") is { } iss
            ? iss.ValueKind is JsonValueKind.String && (string.IsNullOrEmpty(issuer) || iss.ValueEquals(issuer))
            : string.IsNullOrEmpty(issuer);

    private static bool IsFor(JsonElement claims, string? audience)
    {
        if (Find(claims, "aud") is not { } aud)
            return string.IsNullOrEmpty(audience);
        if (!TryStrings(aud, out var audiences))
            return false;
        return string.IsNullOrEmpty(audience) || audiences.Contains(audience, StringComparer.Ordinal);
    }

    private static bool TryRoles(JsonElement? claim, out IReadOnlySet<string> roles)
    {
        roles = FrozenSet<string>.Empty;
        if (claim is not { } value)
            return true;
        if (!TryStrings(value, out var strings))
            return false;
        if (strings.Length > 0)
            roles = new HashSet<string>(strings, StringComparer.Ordinal);
        return true;
    }

    /// <summary>One string, or an array of nothing but strings.</summary>
    private static bool TryStrings(JsonElement value, out string[] strings)
    {
        strings = [];
        if (value.ValueKind is JsonValueKind.String)
        {
            strings = [value.GetString()!];
            return true;
        }
        if (value.ValueKind is not JsonValueKind.Array)
            return false;
        strings = new string[value.GetArrayLength()];
        var count = 0;
        foreach (var item in value.EnumerateArray())
        {
            if (item.ValueKind is not JsonValueKind.String)
                return false;
            strings[count++] = item.GetString()!;
        }
        return true;
    }

    /// <summary>A NumericDate: seconds since 1970, which may have a fraction.</summary>
    private static bool TryTime(JsonElement value, out DateTimeOffset time)
    {
        time = default;
        if (value.ValueKind is not JsonValueKind.Number || !value.TryGetDouble(out var seconds))
            return false;
        var milliseconds = Math.Floor(Math.Clamp(seconds * 1000, 0, MaxMilliseconds + 1.0));
        time = milliseconds > MaxMilliseconds ? DateTimeOffset.MaxValue : DateTimeOffset.FromUnixTimeMilliseconds((long)milliseconds);
        return true;
    }
}
