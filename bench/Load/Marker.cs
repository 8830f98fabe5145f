using System.Buffers.Binary;

namespace OrleansChat.Bench.Load;

/// <summary>
/// What a text says of itself, in letters that no JSON writer escapes and that are found by scanning for one byte: who sent it, its number
/// among the sender's, and when. <c>~</c>, three times eight letters <c>a</c>–<c>p</c> (four bits each), <c>~</c>.
/// </summary>
/// <param name="Sender">The publisher, counted over all rooms.</param>
/// <param name="Count">The publisher's messages before this one.</param>
/// <param name="Time">When it was sent, or was meant to be: µs since the run began.</param>
internal readonly record struct Marker(uint Sender, uint Count, uint Time)
{
    /// <summary>Bytes that a marker takes.</summary>
    public const int Length = 26;

    private const byte Edge = (byte)'~';
    private const ulong Letters = 0x6161616161616161; // 'a' eight times

    /// <summary>Stands for a marker in a template.</summary>
    public static string Placeholder { get; } = new((char)Edge, Length);

    public void Write(Span<byte> target)
    {
        target[Length - 1] = target[0] = Edge;
        WriteLetters(target[1..], Sender);
        WriteLetters(target[9..], Count);
        WriteLetters(target[17..], Time);
    }

    /// <summary>Finds the first marker.</summary>
    public static bool TryFind(ReadOnlySpan<byte> bytes, out Marker marker)
    {
        var start = bytes.IndexOf(Edge);
        if (start < 0 || bytes.Length - start < Length || bytes[start + Length - 1] != Edge)
        {
            marker = default;
            return false;
        }

        marker = new Marker(ReadLetters(bytes[(start + 1)..]), ReadLetters(bytes[(start + 9)..]), ReadLetters(bytes[(start + 17)..]));
        return true;
    }

    private static void WriteLetters(Span<byte> target, uint value)
    {
        ulong letters = value;
        letters = (letters | (letters << 16)) & 0x0000FFFF0000FFFF;
        letters = (letters | (letters << 8)) & 0x00FF00FF00FF00FF;
        letters = (letters | (letters << 4)) & 0x0F0F0F0F0F0F0F0F;
        BinaryPrimitives.WriteUInt64BigEndian(target, letters + Letters);
    }

    private static uint ReadLetters(ReadOnlySpan<byte> source)
    {
        var letters = BinaryPrimitives.ReadUInt64BigEndian(source) - Letters;
        letters = (letters | (letters >> 4)) & 0x00FF00FF00FF00FF;
        letters = (letters | (letters >> 8)) & 0x0000FFFF0000FFFF;
        return (uint)(letters | (letters >> 16));
    }
}
