using System.Security.Cryptography;
using System.Text;
using OrleansChat.Grains.Interfaces;

namespace OrleansChat.Grains.Logs;

/// <summary>An entry as the log keeps it.</summary>
/// <param name="Entry">What readers see.</param>
/// <param name="IdHash">Of the sender's user id and the idempotency key; 0 where there was no key.</param>
/// <param name="TextHash">Of the text, to tell a repeat from a conflict; 0 where there was no key.</param>
internal readonly record struct LogEntry(Entry Entry, UInt128 IdHash, UInt128 TextHash);

/// <summary>16-byte hashes keyed with the log's epoch: SHA-256, cut. Nobody can make two ids or texts collide.</summary>
internal static class EntryHash
{
    public static UInt128 OfId(string epoch, string userId, string id) => Of(epoch, userId, id);

    public static UInt128 OfText(string epoch, string text) => Of(epoch, "", text);

    private static UInt128 Of(string epoch, string scope, string value)
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
