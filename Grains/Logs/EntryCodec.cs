using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using OrleansChat.Grains.Interfaces;

namespace OrleansChat.Grains.Logs;

/// <summary>
/// Entries ↔ the payload of a <see cref="LogBatch"/>: a version byte, the count, then the entries. Numbers are LEB128, strings their UTF-8 after its length.
/// An entry: a kind byte, user id, username, text, timestamp, and a flag for the two 16-byte hashes that follow where it had an id.
/// </summary>
internal static class EntryCodec
{
    private const byte Version = 1;
    private const byte KindMessage = 1;

    /// <summary>Bytes: kind, three empty texts, a small timestamp, no id.</summary>
    private const int ShortestEntry = 6;

    public static LogBatch Encode(ReadOnlySpan<LogEntry> entries)
    {
        var writer = new ArrayBufferWriter<byte>(64 + (entries.Length * 128));
        writer.Write([Version]);
        WriteNumber(writer, (ulong)entries.Length);
        foreach (var (entry, idHash, textHash) in entries)
        {
            writer.Write([KindMessage]);
            WriteText(writer, entry.UserId);
            WriteText(writer, entry.Username);
            WriteText(writer, entry.Text);
            WriteNumber(writer, (ulong)entry.Timestamp);
            writer.Write([idHash == 0 ? (byte)0 : (byte)1]);
            if (idHash == 0)
                continue;
            WriteHash(writer, idHash);
            WriteHash(writer, textHash);
        }

        var last = entries[^1].Entry;
        return new LogBatch(last.Seq, last.Timestamp, writer.WrittenMemory);
    }

    /// <exception cref="InvalidDataException">The payload is not one of ours, or of a later version.</exception>
    public static List<LogEntry> Decode(LogBatch batch)
    {
        var reader = new Reader(batch.Payload.Span);
        if (reader.Byte() is var version and not Version)
            throw new InvalidDataException($"A log batch has version {version}; this build reads version {Version}.");
        var count = reader.Length(ShortestEntry);
        if (count == 0 || count > batch.Last)
            throw new InvalidDataException($"A log batch that ends at {batch.Last} says that it holds {count} entries.");
        var entries = new List<LogEntry>(count);
        for (var seq = batch.Last - count + 1; seq <= batch.Last; seq++)
        {
            if (reader.Byte() is var kind and not KindMessage)
                throw new InvalidDataException($"A log entry has kind {kind}; this build knows kind {KindMessage}.");
            var entry = new Entry(seq, reader.Text(), reader.Text(), reader.Text(), (long)reader.Number());
            var hasId = reader.Byte() != 0;
            entries.Add(new LogEntry(entry, hasId ? reader.Hash() : 0, hasId ? reader.Hash() : 0));
        }

        if (!reader.IsAtEnd)
            throw new InvalidDataException("A log batch goes on after its last entry.");
        return entries;
    }

    private static void WriteNumber(ArrayBufferWriter<byte> writer, ulong value)
    {
        var span = writer.GetSpan(10);
        var length = 0;
        for (; value >= 0x80; value >>= 7)
            span[length++] = (byte)(value | 0x80);
        span[length++] = (byte)value;
        writer.Advance(length);
    }

    private static void WriteText(ArrayBufferWriter<byte> writer, string text)
    {
        WriteNumber(writer, (ulong)Encoding.UTF8.GetByteCount(text));
        Encoding.UTF8.GetBytes(text, writer);
    }

    private static void WriteHash(ArrayBufferWriter<byte> writer, UInt128 hash)
    {
        BinaryPrimitives.WriteUInt128LittleEndian(writer.GetSpan(16), hash);
        writer.Advance(16);
    }

    private ref struct Reader(ReadOnlySpan<byte> rest)
    {
        private ReadOnlySpan<byte> _rest = rest;

        public readonly bool IsAtEnd => _rest.IsEmpty;

        public byte Byte() => Take(1)[0];

        public ulong Number()
        {
            ulong value = 0;
            for (var shift = 0; shift < 64; shift += 7)
            {
                var next = Byte();
                value |= (ulong)(next & 0x7F) << shift;
                if (next < 0x80)
                    return value;
            }

            throw new InvalidDataException("A log batch holds a number of more than 64 bits.");
        }

        /// <summary>How many things of at least <paramref name="size"/> bytes follow: never more than there is room for.</summary>
        public int Length(int size)
        {
            var length = Number();
            return length <= (ulong)(_rest.Length / size) ? (int)length : throw new InvalidDataException("A log batch ends too early.");
        }

        public string Text() => Encoding.UTF8.GetString(Take(Length(1)));

        public UInt128 Hash() => BinaryPrimitives.ReadUInt128LittleEndian(Take(16));

        private ReadOnlySpan<byte> Take(int length)
        {
            if ((uint)length > (uint)_rest.Length)
                throw new InvalidDataException("A log batch ends too early.");
            var taken = _rest[..length];
            _rest = _rest[length..];
            return taken;
        }
    }
}
