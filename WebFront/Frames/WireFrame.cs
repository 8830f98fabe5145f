using System.Buffers;
using System.Buffers.Binary;
using System.Net.WebSockets;
using System.Text.Json;
using System.Text.Unicode;

namespace OrleansChat.WebFront.Frames;

/// <summary>Frames as they go over a socket, header included (RFC 6455 §5.2; a server's frames are unmasked): made once, posted to as many outboxes as need them.</summary>
internal static class WireFrame
{
    private const byte FinText = 0x81;
    private const byte FinClose = 0x88;
    private const byte FinPong = 0x8A;
    private const int MaxHeader = 10;
    private const int MaxKept = 1 << 20;
    private const int MaxReason = 123; // RFC 6455 §5.5: a control frame holds 125 bytes, two of which are the code

    [ThreadStatic]
    private static ArrayBufferWriter<byte>? _buffer;

    [ThreadStatic]
    private static Utf8JsonWriter? _writer;

    /// <summary>A WebSocket ping without a payload.</summary>
    public static ReadOnlyMemory<byte> Ping { get; } = new byte[] { 0x89, 0x00 };

    /// <summary>Encodes a frame.</summary>
    public static byte[] Encode(ServerFrame frame)
    {
        var buffer = _buffer ??= new ArrayBufferWriter<byte>(1_024);
        buffer.ResetWrittenCount();
        Append(buffer, frame);
        return Take(buffer);
    }

    /// <summary>Encodes several frames into one piece of bytes: a batch is posted once.</summary>
    public static byte[] Encode<T, TState>(IReadOnlyList<T> items, TState state, Func<T, TState, ServerFrame> frame)
    {
        var buffer = _buffer ??= new ArrayBufferWriter<byte>(1_024);
        buffer.ResetWrittenCount();
        for (var i = 0; i < items.Count; i++)
            Append(buffer, frame(items[i], state));
        return Take(buffer);
    }

    /// <summary>A close frame.</summary>
    /// <param name="code">1000–4999.</param>
    /// <param name="reason">What exceeds 123 bytes of UTF-8 is cut off.</param>
    public static byte[] Close(WebSocketCloseStatus code, string reason)
    {
        var room = new byte[MaxReason];
        Utf8.FromUtf16(reason, room, out _, out var length, replaceInvalidSequences: true, isFinalBlock: true);
        var text = room.AsSpan(0, length);
        var frame = new byte[4 + text.Length];
        (frame[0], frame[1]) = (FinClose, (byte)(2 + text.Length));
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(2), (ushort)code);
        text.CopyTo(frame.AsSpan(4));
        return frame;
    }

    /// <summary>A WebSocket pong.</summary>
    /// <param name="payload">The ping's, at most 125 bytes.</param>
    public static byte[] Pong(ReadOnlySpan<byte> payload) => [FinPong, (byte)payload.Length, .. payload];

    /// <summary>What was written. A buffer that a rare large frame made grow is let go of.</summary>
    private static byte[] Take(ArrayBufferWriter<byte> buffer)
    {
        if (buffer.Capacity > MaxKept)
            _buffer = null;
        return buffer.WrittenSpan.ToArray();
    }

    private static void Append(ArrayBufferWriter<byte> buffer, ServerFrame frame)
    {
        // The length stands before what it counts: the header gets the room it needs at most, and the payload moves up if it needed less.
        var start = buffer.WrittenCount;
        buffer.GetSpan(MaxHeader);
        buffer.Advance(MaxHeader);
        var writer = _writer ??= new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = FrameJson.Wire.Options.Encoder, SkipValidation = true });
        writer.Reset(buffer);
        FrameWriter.Write(writer, frame);
        writer.Flush();

        var length = buffer.WrittenCount - start - MaxHeader;
        System.Runtime.InteropServices.MemoryMarshal.TryGetArray(buffer.WrittenMemory, out var written);
        var span = written.AsSpan(start);
        var header = WriteHeader(span, length);
        span.Slice(MaxHeader, length).CopyTo(span[header..]);
        Shrink(buffer, MaxHeader - header);
    }

    private static int WriteHeader(Span<byte> span, int length)
    {
        span[0] = FinText;
        switch (length)
        {
            case < 126:
                span[1] = (byte)length;
                return 2;
            case <= ushort.MaxValue:
                span[1] = 126;
                BinaryPrimitives.WriteUInt16BigEndian(span[2..], (ushort)length);
                return 4;
            default:
                span[1] = 127;
                BinaryPrimitives.WriteUInt64BigEndian(span[2..], (ulong)length);
                return 10;
        }
    }

    /// <summary><see cref="ArrayBufferWriter{T}"/> cannot go back, but it can begin again and claim what is already there.</summary>
    private static void Shrink(ArrayBufferWriter<byte> buffer, int by)
    {
        var length = buffer.WrittenCount - by;
        buffer.ResetWrittenCount();
        buffer.Advance(length);
    }
}
