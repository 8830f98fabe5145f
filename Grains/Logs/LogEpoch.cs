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

    /// <summary>What is put behind an epoch in another life of the store, which may have lost what it had taken last: entries and ids are the same, seqs of before are not to be trusted.</summary>
    /// <param name="life">Its name; empty in the first.</param>
    public static string Suffix(string life) => life.Length == 0 ? "" : $".{life}";

    /// <summary>What stays the same of an epoch in all lives: what is before the dot.</summary>
    public static ReadOnlySpan<char> Key(string epoch) => epoch.IndexOf('.', StringComparison.Ordinal) is >= 0 and var length ? epoch.AsSpan(0, length) : epoch;
}
