using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace OrleansChat.Chaos;

/// <summary>Tokens for the run's own cluster, signed with the run's own key.</summary>
internal sealed class Token(Clock clock)
{
    /// <summary>What the fronts are given as <c>Auth:SigningKey</c>.</summary>
    public string Key { get; } = Convert.ToHexString(RandomNumberGenerator.GetBytes(32));

    public string For(string userId)
    {
        var expires = (clock.UnixMilliseconds / 1_000) + (7 * 24 * 3_600);
        var input = $"{Encode("""{"alg":"HS256","typ":"JWT"}""")}.{Encode(FormattableString.Invariant($$"""{"userId":"{{userId}}","exp":{{expires}}}"""))}";
        return $"{input}.{Base64Url.EncodeToString(HMACSHA256.HashData(Encoding.UTF8.GetBytes(Key), Encoding.ASCII.GetBytes(input)))}";
    }

    private static string Encode(string json) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(json));
}
