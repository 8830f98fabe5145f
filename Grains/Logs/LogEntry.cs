using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using OrleansChat.Grains.Interfaces;

namespace OrleansChat.Grains.Logs;

/// <summary>An entry as the log keeps it.</summary>
/// <param name="Entry">What readers see.</param>
/// <param name="IdHash">Of the sender's user id and the idempotency key; 0 where there was no key.</param>
/// <param name="TextHash">Of the text, to tell a repeat from a conflict; 0 where there was no key.</param>
internal readonly record struct LogEntry(Entry Entry, UInt128 IdHash, UInt128 TextHash)
{
    /// <summary>What readers see of them. Most come alone: LINQ would make three objects more for one.</summary>
    public static Entry[] Visible(List<LogEntry> stored)
    {
        var entries = new Entry[stored.Count];
        for (var i = 0; i < entries.Length; i++)
            entries[i] = stored[i].Entry;
        return entries;
    }
}

/// <summary>16-byte hashes of what a sender may repeat.</summary>
internal static class EntryHash
{
    /// <summary>Keyed with the log's epoch: SHA-256, cut. Nobody can make two ids collide, or somebody else's message would be taken for a repeat.</summary>
    public static UInt128 OfId(string epoch, string userId, string id) => Cut(LogEpoch.Key(epoch), userId, id);

    /// <summary>XxHash128. Only the text that the same sender gave the same id is compared with it: who makes two collide deceives nobody else.</summary>
    public static UInt128 OfText(string text) => XxHash128.HashToUInt128(MemoryMarshal.AsBytes(text.AsSpan()));

    /// <summary>Whether a stored hash is this text's.</summary>
    /// <remarks>Logs written before 30 November 2026 have texts hashed as ids are.</remarks>
    public static bool IsOfText(UInt128 hash, string epoch, string text) => hash == OfText(text) || hash == Cut(LogEpoch.Key(epoch), "", text);

    private static UInt128 Cut(ReadOnlySpan<char> epoch, string scope, string value)
    {
        // The lengths keep ("ab", "c") and ("a", "bc") apart.
        var size = 8 + Encoding.UTF8.GetMaxByteCount(epoch.Length + scope.Length + value.Length);
        var buffer = size <= 1024 ? stackalloc byte[1024] : new byte[size];
        BitConverter.TryWriteBytes(buffer, epoch.Length);
        BitConverter.TryWriteBytes(buffer[4..], scope.Length);
        var length = 8;
        length += Encoding.UTF8.GetBytes(epoch, buffer[length..]);
        length += Encoding.UTF8.GetBytes(scope, buffer[length..]);
        length += Encoding.UTF8.GetBytes(value, buffer[length..]);
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(buffer[..length], hash);
        return System.Buffers.Binary.BinaryPrimitives.ReadUInt128LittleEndian(hash);
    }
}
