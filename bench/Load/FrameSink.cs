using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace OrleansChat.Bench.Load;

/// <summary>Gathers a client's frames, masked as RFC 6455 §5.3 asks, until they are sent in one go.</summary>
internal sealed class FrameSink
{
    private const int MaxHeader = 8;
    private readonly Random _random = new();
    private byte[] _bytes = new byte[65_536];
    private int _length;
    private int _payload;

    public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, _length);

    public void Clear() => _length = 0;

    public void Text(ReadOnlySpan<byte> payload) => Frame(FrameReader.Text, payload);

    public void Pong(ReadOnlySpan<byte> payload) => Frame(FrameReader.Pong, payload);

    /// <summary>A close frame with 1000.</summary>
    public void Close() => Frame(FrameReader.Close, [0x03, 0xE8]);

    /// <summary>What is no frame: the request for the upgrade.</summary>
    public void Raw(ReadOnlySpan<byte> bytes)
    {
        Reserve(bytes.Length);
        bytes.CopyTo(_bytes.AsSpan(_length));
        _length += bytes.Length;
    }

    /// <summary>Begins a text frame whose payload the caller writes, and ends with <see cref="End"/>.</summary>
    /// <param name="length">At most 65,535 bytes.</param>
    public Span<byte> Begin(int length) => Begin(FrameReader.Text, length);

    public void End() => Mask(_bytes.AsSpan(_payload - 4, 4), _bytes.AsSpan(_payload, _length - _payload));

    private void Frame(int opcode, ReadOnlySpan<byte> payload)
    {
        payload.CopyTo(Begin(opcode, payload.Length));
        End();
    }

    private Span<byte> Begin(int opcode, int length)
    {
        Reserve(MaxHeader + length);
        _bytes[_length++] = (byte)(0x80 | opcode);
        if (length < 126)
        {
            _bytes[_length++] = (byte)(0x80 | length);
        }
        else
        {
            _bytes[_length++] = 0x80 | 126;
            BinaryPrimitives.WriteUInt16BigEndian(_bytes.AsSpan(_length), checked((ushort)length));
            _length += 2;
        }

        BinaryPrimitives.WriteInt32LittleEndian(_bytes.AsSpan(_length), _random.Next());
        _payload = _length + 4;
        _length = _payload + length;
        return _bytes.AsSpan(_payload, length);
    }

    private static void Mask(ReadOnlySpan<byte> key, Span<byte> payload)
    {
        var word = BinaryPrimitives.ReadUInt32LittleEndian(key);
        var wide = ((ulong)word << 32) | word;
        var words = MemoryMarshal.Cast<byte, ulong>(payload);
        for (var i = 0; i < words.Length; i++)
            words[i] ^= wide;
        for (var i = words.Length * 8; i < payload.Length; i++)
            payload[i] ^= key[i & 3];
    }

    private void Reserve(int count)
    {
        if (_length + count > _bytes.Length)
            Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, _length + count));
    }
}
