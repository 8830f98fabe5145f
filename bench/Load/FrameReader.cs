using System.Buffers.Binary;

namespace OrleansChat.Bench.Load;

/// <summary>Reads a server's WebSocket frames (RFC 6455 §5.2) out of received bytes, without copying.</summary>
internal ref struct FrameReader(ReadOnlySpan<byte> bytes)
{
    public const int Continuation = 0x0;
    public const int Text = 0x1;
    public const int Binary = 0x2;
    public const int Close = 0x8;
    public const int Ping = 0x9;
    public const int Pong = 0xA;

    private readonly ReadOnlySpan<byte> _bytes = bytes;

    /// <summary>Bytes of whole frames read so far.</summary>
    public int Consumed { get; private set; }

    public int Opcode { get; private set; }

    public bool IsFinal { get; private set; }

    public ReadOnlySpan<byte> Payload { get; private set; }

    /// <returns>False when no whole frame is left.</returns>
    public bool TryRead()
    {
        var rest = _bytes[Consumed..];
        if (rest.Length < 2)
            return false;
        var header = 2;
        ulong length = rest[1];
        if (length >= 126)
        {
            if ((length & 0x80) != 0)
                throw new LoadException("The server sent a masked frame.");
            header = length == 126 ? 4 : 10;
            if (rest.Length < header)
                return false;
            length = header == 4 ? BinaryPrimitives.ReadUInt16BigEndian(rest[2..]) : BinaryPrimitives.ReadUInt64BigEndian(rest[2..]);
        }

        if ((ulong)(rest.Length - header) < length)
            return false;
        if ((rest[0] & 0x70) != 0)
            throw new LoadException("The server sent a frame with reserved bits, but no extension was agreed on.");
        (Opcode, IsFinal) = (rest[0] & 0xF, (rest[0] & 0x80) != 0);
        Payload = rest.Slice(header, (int)length);
        Consumed += header + (int)length;
        return true;
    }
}
