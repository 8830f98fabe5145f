using System.Security.Cryptography;
using System.Text;

namespace OrleansChat.WebFront.Auth;

/// <summary>The HS* key of this process: the configured one, a random one in Development with no key of any kind, or none.</summary>
internal sealed class SigningSecret
{
    private SigningSecret(byte[]? bytes, bool isRandom) => (Bytes, IsRandom) = (bytes, isRandom);

    /// <summary>32 bytes or more; null where only a JWKS address is configured.</summary>
    public byte[]? Bytes { get; }

    /// <summary>Made up at start: tokens signed with it die with the process, and no other front believes them.</summary>
    public bool IsRandom { get; }

    public static SigningSecret Of(AuthOptions options, bool development)
    {
        if (!string.IsNullOrEmpty(options.SigningKey))
            return new SigningSecret(Encoding.UTF8.GetBytes(options.SigningKey), isRandom: false);
        return development && string.IsNullOrEmpty(options.JwksUri)
            ? new SigningSecret(RandomNumberGenerator.GetBytes(64), isRandom: true)
            : new SigningSecret(null, isRandom: false);
    }
}
