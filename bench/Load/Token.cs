using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace OrleansChat.Bench.Load;

/// <summary>Mints the tokens that the server asks for (HS256).</summary>
internal static class Token
{
    private static readonly string Header = Base64Url.EncodeToString("""{"alg":"HS256","typ":"JWT"}"""u8);

    /// <param name="key">The secret.</param>
    /// <param name="user">A user id of letters, digits and hyphens: nothing is escaped.</param>
    /// <param name="expiresAt">When it runs out.</param>
    public static string Mint(byte[] key, string user, DateTimeOffset expiresAt)
    {
        var claims = $$"""{"userId":"{{user}}","username":"{{user}}","exp":{{expiresAt.ToUnixTimeSeconds()}}}""";
        var signed = $"{Header}.{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(claims))}";
        return $"{signed}.{Base64Url.EncodeToString(HMACSHA256.HashData(key, Encoding.ASCII.GetBytes(signed)))}";
    }
}
