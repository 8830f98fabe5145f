using System.Buffers;
using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Text.Unicode;

namespace OrleansChat.WebFront.Sockets;

/// <summary>
/// Takes messages out of a client's bytes (RFC 6455 §5): headers, masks, fragments, and control frames between them. Bytes are taken as they come; between two
/// messages it holds no buffer.
/// </summary>
/// <param name="maxMessage">Bytes, all fragments together. What is larger is told once; from then on only control frames are looked at.</param>
internal struct FrameReader(int maxMessage)
{
    private const int MaxControl = 125;
    private const int FirstBuffer = 1_024;
    private const byte Fin = 0x80;
    private const byte Masked = 0x80;

    private byte[]? _message;
    private int _length;
    private long _left;
    private uint _mask;
    private bool _isLast = true;
    private bool _isTaken;
    private bool _skips;

    /// <summary>Reads on.</summary>
    /// <param name="received">Begins where the last call left it; what is read is cut off, and unmasked where it lies.</param>
    /// <param name="payload">A message's or a control frame's; valid until the next call, as long as <paramref name="received"/> is.</param>
    public Inbound Read(ref Memory<byte> received, out ReadOnlyMemory<byte> payload)
    {
        if (_isTaken)
            Release();
        do
        {
            if (_left == 0 && ReadHeader(ref received, out payload) is var found and not Inbound.Message)
                return found;
            if (_message is null && _isLast && !_skips && _left <= received.Length)
                return ReadWhole(ref received, out payload);
            payload = default;
            Take(ref received);
            if (_left > 0)
                return Inbound.Incomplete;
        }
        while (!_isLast || _skips);

        _isTaken = true;
        payload = _message.AsMemory(0, _length);
        return KindOf(payload.Span);
    }

    private static Inbound KindOf(ReadOnlySpan<byte> message) => Utf8.IsValid(message) ? Inbound.Message : Inbound.NotUtf8;

    /// <returns><see cref="Inbound.Message"/>: a frame of one has begun.</returns>
    private Inbound ReadHeader(ref Memory<byte> received, out ReadOnlyMemory<byte> payload)
    {
        payload = default;
        var header = received.Span;
        if (header.Length < 2)
            return Inbound.Incomplete;

        var (opcode, isLast, shortLength) = (header[0] & 0xF, (header[0] & Fin) != 0, header[1] & 0x7F);
        var isControl = opcode >= 8;
        var isPlausible = isControl ? opcode <= 0xA && isLast && shortLength <= MaxControl : opcode <= 2 && (opcode == 0) != _isLast;
        if (!isPlausible || (header[0] & 0x70) != 0 || (header[1] & Masked) == 0)
            return Inbound.Broken;

        var size = shortLength switch { 127 => 14, 126 => 8, _ => 6 };
        if (header.Length < size)
            return Inbound.Incomplete;
        var length = shortLength switch
        {
            127 => BinaryPrimitives.ReadInt64BigEndian(header[2..]),
            126 => BinaryPrimitives.ReadUInt16BigEndian(header[2..]),
            _ => shortLength,
        };
        if (length < 0)
            return Inbound.Broken;
        var mask = MemoryMarshal.Read<uint>(header[(size - 4)..]);
        if (isControl)
            return ReadControl(opcode, ref received, size, (int)length, mask, out payload);

        received = received[size..];
        (_left, _mask, _isLast) = (length, mask, isLast);
        if (_skips || length <= maxMessage - _length)
            return Inbound.Message;
        Release();
        _skips = true;
        return Inbound.TooLarge;
    }

    /// <summary>A control frame is small: it is waited for.</summary>
    private static Inbound ReadControl(int opcode, ref Memory<byte> received, int start, int length, uint mask, out ReadOnlyMemory<byte> payload)
    {
        payload = default;
        if (received.Length < start + length)
            return Inbound.Incomplete;
        var bytes = received.Slice(start, length);
        Unmask(bytes.Span, mask);
        received = received[(start + length)..];
        payload = bytes;
        return opcode switch
        {
            0x9 => Inbound.Ping,
            0xA => Inbound.Pong,
            _ => IsGoodClose(bytes.Span) ? Inbound.Close : Inbound.Broken,
        };
    }

    /// <summary>A message that lies there in one piece, as nearly all do, is not copied.</summary>
    private Inbound ReadWhole(ref Memory<byte> received, out ReadOnlyMemory<byte> payload)
    {
        var message = received[..(int)_left];
        received = received[(int)_left..];
        _left = 0;
        Unmask(message.Span, _mask);
        payload = message;
        return KindOf(message.Span);
    }

    /// <summary>RFC 6455 §7.4: nothing, or a code that may be sent and a reason.</summary>
    private static bool IsGoodClose(ReadOnlySpan<byte> payload) =>
        payload.Length == 0
        || (payload.Length >= 2 && BinaryPrimitives.ReadUInt16BigEndian(payload) is (>= 1000 and <= 1003) or (>= 1007 and <= 1011) or (>= 3000 and <= 4999)
            && Utf8.IsValid(payload[2..]));

    private void Take(ref Memory<byte> received)
    {
        var count = (int)Math.Min(_left, received.Length);
        if (!_skips)
        {
            MakeRoom(count);
            var bytes = _message.AsSpan(_length, count);
            received.Span[..count].CopyTo(bytes);
            _mask = Unmask(bytes, _mask);
            _length += count;
        }

        received = received[count..];
        _left -= count;
    }

    private void MakeRoom(int count)
    {
        if (_message?.Length >= _length + count)
            return;
        var larger = ArrayPool<byte>.Shared.Rent(Math.Max(_message?.Length * 4 ?? FirstBuffer, _length + count));
        if (_message is not null)
        {
            _message.AsSpan(0, _length).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_message);
        }

        _message = larger;
    }

    private void Release()
    {
        if (_message is not null)
            ArrayPool<byte>.Shared.Return(_message);
        (_message, _length, _isTaken) = (null, 0, false);
    }

    /// <returns>The mask as it goes on behind these bytes.</returns>
    private static uint Unmask(Span<byte> bytes, uint mask)
    {
        var words = MemoryMarshal.Cast<byte, ulong>(bytes);
        var twice = mask | ((ulong)mask << 32);
        foreach (ref var word in words)
            word ^= twice;
        Span<byte> rest = stackalloc byte[4];
        MemoryMarshal.Write(rest, mask);
        for (var i = words.Length * 8; i < bytes.Length; i++)
            bytes[i] ^= rest[i & 3];
        return BitConverter.IsLittleEndian ? BitOperations.RotateRight(mask, 8 * (bytes.Length & 3)) : BitOperations.RotateLeft(mask, 8 * (bytes.Length & 3));
    }
}

/// <summary>What a client's bytes hold.</summary>
internal enum Inbound
{
    /// <summary>Nothing more for now.</summary>
    Incomplete,

    /// <summary>A whole message, text or binary.</summary>
    Message,

    Ping,
    Pong,

    /// <summary>A close frame; its payload is empty, or a code and a reason.</summary>
    Close,

    /// <summary>A message over the limit.</summary>
    TooLarge,

    /// <summary>A message that is not UTF-8.</summary>
    NotUtf8,

    /// <summary>Not what RFC 6455 lets a client send: what follows means nothing.</summary>
    Broken,
}
