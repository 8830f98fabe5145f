using System.Buffers.Text;
using System.Security.Cryptography;

namespace OrleansChat.Grains.Logs;

/// <summary>Names the lives of a log: seqs mean something within one epoch only.</summary>
internal static class LogEpoch
{
    /// <summary>A name nobody has used: 64 random bits, 11 characters of base64url.</summary>
    public static string New()
    {
        Span<byte> bits = stackalloc byte[8];
        RandomNumberGenerator.Fill(bits);
        return Base64Url.EncodeToString(bits);
    }
}
