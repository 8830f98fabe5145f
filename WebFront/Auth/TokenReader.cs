using System.Buffers;
using System.Buffers.Text;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Logging;
using Microsoft.IdentityModel.Tokens;

namespace OrleansChat.WebFront.Auth;

/// <summary>
/// Reads a token: shape → algorithm → key → signature → claims, and the first that does not fit refuses it. The algorithm picks the keys before any of them is
/// tried, so a public key is never taken for a secret. For a connection and for <c>refresh_token</c> alike.
/// </summary>
internal sealed partial class TokenReader
{
    /// <summary>The most UTF-16 code units of a token; Kestrel's request line holds no more anyway.</summary>
    public const int MaxChars = 8192;

    private static readonly SearchValues<char> TokenChars =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.");

    private readonly JsonWebTokenHandler _handler = new() { MaximumTokenSizeInBytes = MaxChars };
    private readonly Dictionary<string, TokenValidationParameters> _secretRules = new(StringComparer.Ordinal);
    private readonly AuthOptions _options;
    private readonly JwksKeys _jwks;
    private readonly TimeProvider _time;
    private readonly ILogger<TokenReader> _logger;

    public TokenReader(AuthOptions options, SigningSecret secret, JwksKeys jwks, TimeProvider time, ILogger<TokenReader> logger)
    {
        (_options, _jwks, _time, _logger) = (options, jwks, time, logger);
        // The defaults today; no token may reach an event log if they change or somebody switched them.
        IdentityModelEventSource.ShowPII = false;
        IdentityModelEventSource.LogCompleteSecurityArtifact = false;

        if (secret.Bytes is not { } bytes)
            return;
        SecurityKey[] key = [new SymmetricSecurityKey(bytes)];
        // RFC 7518 §3.2: a key at least as long as the hash.
        foreach (var (algorithm, minBytes) in new[] { (SecurityAlgorithms.HmacSha256, 32), (SecurityAlgorithms.HmacSha384, 48), (SecurityAlgorithms.HmacSha512, 64) })
        {
            if (bytes.Length >= minBytes)
                _secretRules[algorithm] = SignatureOnly(algorithm, key);
        }
    }

    /// <summary>The identity in <paramref name="token"/>, or why it is refused. Never throws over what a token holds.</summary>
    public async ValueTask<TokenReading> ReadAsync(string? token, CancellationToken cancellationToken)
    {
        var reading = await ReadUnloggedAsync(token, cancellationToken);
        if (!reading.IsGood)
            LogRefused(reading.Refusal);
        return reading;
    }

    private async ValueTask<TokenReading> ReadUnloggedAsync(string? token, CancellationToken cancellationToken)
    {
        if (string.IsNullOrEmpty(token))
            return TokenRefusal.Missing;
        if (token.Length > MaxChars)
            return TokenRefusal.TooLong;
        if (!HasShape(token) || Parse(token) is not { } jwt || jwt.TryGetHeaderValue<object>("crit", out _))
            return TokenRefusal.Malformed;

        var refusal = _secretRules.TryGetValue(jwt.Alg ?? "", out var rules)
            ? await VerifyAsync(jwt, rules)
            : await VerifyByJwksAsync(jwt, cancellationToken);
        if (refusal is not TokenRefusal.None)
            return refusal;

        var payload = token.AsSpan(jwt.EncodedHeader.Length + 1, jwt.EncodedPayload.Length);
        return TokenClaims.Read(Base64Url.DecodeFromChars(payload), _options, _time.GetUtcNow());
    }

    private async ValueTask<TokenRefusal> VerifyByJwksAsync(JsonWebToken jwt, CancellationToken cancellationToken)
    {
        if (!_jwks.IsConfigured || !JwksKey.CanFit(jwt.Alg))
            return TokenRefusal.Algorithm;
        var kid = string.IsNullOrEmpty(jwt.Kid) ? null : jwt.Kid;
        var keys = await _jwks.FindAsync(jwt.Alg, kid, cancellationToken);
        if (keys.Length == 0)
            return _jwks.IsLoaded ? TokenRefusal.UnknownKey : TokenRefusal.KeysUnavailable;
        var refusal = await VerifyAsync(jwt, SignatureOnly(jwt.Alg, keys));
        // Where names do not say which key it is, one that is new looks like a wrong signature.
        if (refusal is TokenRefusal.Signature && !keys.Any(key => kid is not null && string.Equals(key.KeyId, kid, StringComparison.Ordinal)) && await _jwks.RefreshAsync(cancellationToken))
            refusal = await VerifyAsync(jwt, SignatureOnly(jwt.Alg, await _jwks.FindAsync(jwt.Alg, kid, cancellationToken)));
        return refusal;
    }

    private async ValueTask<TokenRefusal> VerifyAsync(JsonWebToken jwt, TokenValidationParameters rules)
    {
        var result = await _handler.ValidateTokenAsync(jwt, rules);
        return result.IsValid ? TokenRefusal.None : TokenRefusal.Signature;
    }

    // The library checks the signature; TokenClaims reads the rest, because its rules are stricter and its clock is ours.
    private static TokenValidationParameters SignatureOnly(string algorithm, SecurityKey[] keys) => new()
    {
        ValidAlgorithms = [algorithm],
        IssuerSigningKeyResolver = (_, _, _, _) => keys,
        RequireSignedTokens = true,
        ValidateIssuer = false,
        ValidateAudience = false,
        ValidateLifetime = false,
    };

    /// <summary>Three base64url segments, none empty. Spends no exception on garbage.</summary>
    private static bool HasShape(ReadOnlySpan<char> token)
    {
        if (token.ContainsAnyExcept(TokenChars) || token.Count('.') != 2)
            return false;
        var payload = token.IndexOf('.') + 1;
        var signature = token.LastIndexOf('.') + 1;
        return payload > 1 && signature > payload + 1 && IsCanonical(token[signature..]);
    }

    /// <summary>Whether the bits that the last character has to spare are zero: else several texts would be one signature.</summary>
    private static bool IsCanonical(ReadOnlySpan<char> segment) => (segment.Length % 4) switch
    {
        0 => segment.Length > 0,
        2 => "AQgw".Contains(segment[^1], StringComparison.Ordinal),
        3 => "AEIMQUYcgkosw048".Contains(segment[^1], StringComparison.Ordinal),
        _ => false,
    };

    private static JsonWebToken? Parse(string token)
    {
        try
        {
            return new JsonWebToken(token);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            return null; // Whatever a library throws over a hostile text is a refusal, and not worth a line in the log.
        }
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "A token was refused: {Refusal}")]
    private partial void LogRefused(TokenRefusal refusal);
}
