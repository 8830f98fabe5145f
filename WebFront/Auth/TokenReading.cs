using System.Diagnostics.CodeAnalysis;

namespace OrleansChat.WebFront.Auth;

/// <summary>What reading a token came to: an identity, or why not.</summary>
internal readonly record struct TokenReading(Identity? Identity, TokenRefusal Refusal)
{
    /// <summary>Whether the token is good.</summary>
    [MemberNotNullWhen(true, nameof(Identity))]
    public bool IsGood => Identity is not null;

    public static implicit operator TokenReading(TokenRefusal refusal) => new(null, refusal);
}

/// <summary>
/// Why a token was refused: for the log at Debug. A client is told no more than <see cref="AuthProblem"/> says; whoever tries forgeries learns nothing.
/// </summary>
internal enum TokenRefusal
{
    /// <summary>Not refused.</summary>
    None,

    /// <summary>There was no token.</summary>
    Missing,

    /// <summary>Longer than <see cref="TokenReader.MaxChars"/>: not looked at.</summary>
    TooLong,

    /// <summary>Not three base64url segments holding JSON objects, or a <c>crit</c> header (which none of us understands).</summary>
    Malformed,

    /// <summary>No algorithm we have a key for: <c>none</c>, an unknown one, or HS384/512 with too short a secret.</summary>
    Algorithm,

    /// <summary>No published key has this <c>kid</c> and fits the algorithm.</summary>
    UnknownKey,

    /// <summary>The JWKS address has not answered since the start: the token may be good.</summary>
    KeysUnavailable,

    /// <summary>Signed by somebody else, or changed since.</summary>
    Signature,

    /// <summary>Well signed, and <c>exp</c> has come.</summary>
    Expired,

    /// <summary>Well signed, and <c>nbf</c> is yet to come.</summary>
    NotYetValid,

    /// <summary>Well signed, for or by somebody else.</summary>
    IssuerOrAudience,

    /// <summary>Well signed, with a claim that is missing, mistyped or out of bounds.</summary>
    Claims,
}
