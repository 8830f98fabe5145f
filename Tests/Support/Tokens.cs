using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace OrleansChat.Tests.Support;

/// <summary>Mints tokens from literal JSON with the framework's cryptography alone, so that no test asks the library under test to agree with itself.</summary>
internal static class Tokens
{
    /// <summary>A signing key of 64 bytes: good for HS256, HS384 and HS512.</summary>
    public const string Key = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    /// <summary>A good HS256 token for a user, the way a client's own server would make it.</summary>
    public static string For(string userId, DateTimeOffset expiresAt, string? username = null, string[]? roles = null, string key = Key) =>
        Hs256($$"""
            {"userId":{{Quote(userId)}},"username":{{Quote(username ?? userId)}},"roles":[{{string.Join(',', (roles ?? []).Select(Quote))}}],"exp":{{expiresAt.ToUnixTimeSeconds()}}}
            """, key);

    public static string Hs256(string payload, string key = Key, string header = """{"alg":"HS256","typ":"JWT"}""") =>
        Sign(header, payload, input => HMACSHA256.HashData(Encoding.UTF8.GetBytes(key), input));

    public static string Hs384(string payload, string key = Key) =>
        Sign("""{"alg":"HS384"}""", payload, input => HMACSHA384.HashData(Encoding.UTF8.GetBytes(key), input));

    public static string Hs512(string payload, string key = Key) =>
        Sign("""{"alg":"HS512"}""", payload, input => HMACSHA512.HashData(Encoding.UTF8.GetBytes(key), input));

    public static string Rs256(string payload, RSA key, string? kid) =>
        Sign(Header("RS256", kid), payload, input => key.SignData(input, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));

    public static string Ps384(string payload, RSA key, string? kid) =>
        Sign(Header("PS384", kid), payload, input => key.SignData(input, HashAlgorithmName.SHA384, RSASignaturePadding.Pss));

    public static string Es256(string payload, ECDsa key, string? kid) =>
        Sign(Header("ES256", kid), payload, input => key.SignData(input, HashAlgorithmName.SHA256));

    /// <summary>Any header, any payload, any signature.</summary>
    public static string Sign(string header, string payload, Func<byte[], byte[]> sign)
    {
        var input = $"{Encode(header)}.{Encode(payload)}";
        return $"{input}.{Base64Url.EncodeToString(sign(Encoding.ASCII.GetBytes(input)))}";
    }

    public static string Encode(string json) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(json));

    private static string Header(string algorithm, string? kid) =>
        kid is null ? $$"""{"alg":"{{algorithm}}"}""" : $$"""{"alg":"{{algorithm}}","kid":{{Quote(kid)}}}""";

    private static string Quote(string text) => JsonSerializer.Serialize(text);
}
