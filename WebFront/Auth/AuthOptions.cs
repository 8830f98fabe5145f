using System.ComponentModel.DataAnnotations;

namespace OrleansChat.WebFront.Auth;

/// <summary>
/// Whose tokens a front believes: the section <c>Auth</c>. Checked at start by <see cref="AuthOptionsCheck"/>; a bad value stops the process.
/// </summary>
/// <remarks>
/// <see cref="SigningKey"/> and <see cref="JwksUri"/> may both be set: the token's algorithm alone decides which of the two is tried
/// (HS* the secret, RS*/PS*/ES* the published keys), so neither can stand in for the other.
/// </remarks>
internal sealed record AuthOptions
{
    /// <summary>The configuration section.</summary>
    public const string Section = "Auth";

    /// <summary>The fewest bytes a signing key may have (RFC 7518 §3.2 for HS256).</summary>
    public const int MinKeyBytes = 32;

    /// <summary>
    /// The shared secret of HS256/384/512, its UTF-8 bytes as they stand (no base64, no trimming). 32 bytes or more; HS384 tokens are believed
    /// from 48 bytes on, HS512 from 64. Default: none. Outside Development either this or <see cref="JwksUri"/> must be set; in Development
    /// with neither, a random key lives as long as the process. Whoever knows it can be any user.
    /// </summary>
    public string? SigningKey { get; init; }

    /// <summary>
    /// Where the issuer publishes its public keys (a JSON Web Key Set), for RS*, PS* and ES* tokens: an https address, or http on this machine.
    /// Needs <see cref="Issuer"/> and <see cref="Audience"/>, because one key set often signs for many applications. Default: none.
    /// </summary>
    public string? JwksUri { get; init; }

    /// <summary>What <c>iss</c> must say, compared exactly; a token without it is refused. Default: none, any issuer.</summary>
    public string? Issuer { get; init; }

    /// <summary>What <c>aud</c> must be or contain, compared exactly; a token without it is refused. Default: none, any audience.</summary>
    public string? Audience { get; init; }

    /// <summary>
    /// Whether <c>POST /auth/guest</c> hands a token to anyone who asks. Default: on in Development where there is a key to sign with, off elsewhere.
    /// Needs a signing key; on, anybody who reaches the server can chat.
    /// </summary>
    public bool? Guests { get; init; }

    /// <summary>
    /// How many guest tokens one remote address (IPv6: one /64 network) may ask for in a minute, 0–1,000,000; 0 = no limit. Default 60.
    /// Behind a proxy that is not configured as one, all clients share the proxy's address.
    /// </summary>
    [Range(0, 1_000_000, ErrorMessage = $"{Section}:{nameof(GuestsPerMinute)} must be from 0 (no limit) to 1000000.")]
    public int GuestsPerMinute { get; init; } = 60;

    /// <summary>
    /// Whether <c>?token=</c> is looked at. Default true, because browsers and simple clients can do nothing easier; false keeps tokens out of URLs,
    /// and so out of the logs of every proxy on the way.
    /// </summary>
    public bool QueryToken { get; init; } = true;

    /// <summary>The type's name alone: a record would print the key.</summary>
    public override string ToString() => nameof(AuthOptions);
}
