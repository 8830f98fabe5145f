using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.IdentityModel.Tokens;

namespace OrleansChat.WebFront.Auth;

/// <summary>One public signature key of a JSON Web Key Set (RFC 7517), and the algorithms it may be used with.</summary>
internal sealed record JwksKey(string? Kid, SecurityKey Key, string[] Algorithms)
{
    private const int MinRsaBits = 2048;

    private static readonly string[] RsaAlgorithms = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];

    private static readonly string[] EcAlgorithms = ["ES256", "ES384", "ES512"];

    /// <summary>Whether any published key could fit this algorithm.</summary>
    public static bool CanFit(string? algorithm) => RsaAlgorithms.Contains(algorithm, StringComparer.Ordinal) || EcAlgorithms.Contains(algorithm, StringComparer.Ordinal);

    /// <summary>Whether a token of this algorithm can be signed with this key.</summary>
    public bool Fits(string algorithm) => Algorithms.Contains(algorithm, StringComparer.Ordinal);

    /// <summary>
    /// The keys of a set that can check a signature. What is not for that (secrets, encryption keys, unknown curves, RSA below 2048 bits, what does not parse)
    /// is passed over, as the RFC asks; so one key that an issuer adds does not lock everybody out.
    /// </summary>
    /// <exception cref="JsonException">It is no key set.</exception>
    public static JwksKey[] ParseSet(ReadOnlyMemory<byte> json)
    {
        using var document = JsonDocument.Parse(json);
        if (document.RootElement.ValueKind is not JsonValueKind.Object
            || !document.RootElement.TryGetProperty("keys", out var keys) || keys.ValueKind is not JsonValueKind.Array)
            throw new JsonException("no JSON Web Key Set");
        return [.. keys.EnumerateArray().Select(TryParse).OfType<JwksKey>()];
    }

    private static JwksKey? TryParse(JsonElement jwk)
    {
        try
        {
            if (jwk.ValueKind is not JsonValueKind.Object || !IsForSignatures(jwk))
                return null;
            var (key, algorithms) = Text(jwk, "kty") switch
            {
                "RSA" => Rsa(jwk),
                "EC" => Ec(jwk),
                _ => (null, []),
            };
            if (key is null)
                return null;
            var kid = Text(jwk, "kid");
            key.KeyId = kid;
            return new JwksKey(kid, key, Text(jwk, "alg") is { } only ? [.. algorithms.Where(a => string.Equals(a, only, StringComparison.Ordinal))] : algorithms);
        }
        catch (Exception e) when (e is FormatException or CryptographicException or InvalidOperationException or ArgumentException or PlatformNotSupportedException)
        {
            return null;
        }
    }

    private static bool IsForSignatures(JsonElement jwk) =>
        Text(jwk, "use") is null or "sig"
        && (!jwk.TryGetProperty("key_ops", out var operations) || operations.EnumerateArray().Any(operation => operation.ValueEquals("verify")));

    private static (SecurityKey? Key, string[] Algorithms) Rsa(JsonElement jwk)
    {
        var parameters = new RSAParameters { Modulus = Bytes(jwk, "n"), Exponent = Bytes(jwk, "e") };
        using var rsa = RSA.Create(parameters);
        return rsa.KeySize >= MinRsaBits ? (new RsaSecurityKey(parameters), RsaAlgorithms) : (null, []);
    }

    // As a JsonWebKey and not an ECDsa: the library then makes one ECDsa for each thread that verifies.
    private static (SecurityKey? Key, string[] Algorithms) Ec(JsonElement jwk)
    {
        var curve = Text(jwk, "crv");
        var (named, algorithm) = curve switch
        {
            "P-256" => (ECCurve.NamedCurves.nistP256, "ES256"),
            "P-384" => (ECCurve.NamedCurves.nistP384, "ES384"),
            "P-521" => (ECCurve.NamedCurves.nistP521, "ES512"),
            _ => (default, null),
        };
        if (algorithm is null)
            return (null, []);
        var point = new ECPoint { X = Bytes(jwk, "x"), Y = Bytes(jwk, "y") };
        ECDsa.Create(new ECParameters { Curve = named, Q = point }).Dispose(); // Throws where the point is not on the curve.
        return (new JsonWebKey { Kty = "EC", Crv = curve, X = Text(jwk, "x"), Y = Text(jwk, "y") }, [algorithm]);
    }

    private static string? Text(JsonElement jwk, string name) => jwk.TryGetProperty(name, out var value) ? value.GetString() : null;

    private static byte[] Bytes(JsonElement jwk, string name) => Base64Url.DecodeFromChars(Text(jwk, name) ?? throw new FormatException());
}
