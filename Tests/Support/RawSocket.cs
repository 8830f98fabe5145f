using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace OrleansChat.Tests.Support;

/// <summary>A TCP connection that sends any bytes, and reads frames by hand: what a client may not do, and what no library would.</summary>
internal sealed class RawSocket : IAsyncDisposable
{
    public const byte Text = 0x81;
    public const byte Binary = 0x82;
    public const byte Close = 0x88;
    public const byte Ping = 0x89;
    public const byte Pong = 0x8A;

    private const int MaxFrame = 1 << 24;
    private static readonly byte[] Mask = [0x37, 0xFA, 0x21, 0x3D];

    private readonly Socket _socket;
    private readonly NetworkStream _sending;
    private readonly BufferedStream _reading;

    public RawSocket(Socket socket)
    {
        _socket = socket;
        _sending = new NetworkStream(socket);
        _reading = new BufferedStream(new NetworkStream(socket), 65_536);
    }

    /// <summary>Connects and says nothing yet.</summary>
    /// <param name="address">The application's.</param>
    /// <param name="receiveBuffer">Bytes that the kernel keeps for a client that does not read; null: as many as it likes.</param>
    public static async Task<RawSocket> ConnectAsync(Uri address, int? receiveBuffer = null)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        if (receiveBuffer is { } bytes)
            socket.ReceiveBufferSize = bytes;
        await socket.ConnectAsync(IPAddress.Loopback, address.Port, TestContext.Current.CancellationToken).AsTask().Soon("the server takes a TCP connection");
        return new RawSocket(socket);
    }

    /// <summary>Connects a user and reads <c>connected</c>.</summary>
    public static async Task<RawSocket> UpgradeAsync(Uri address, string userId, int? receiveBuffer = null)
    {
        var socket = await ConnectAsync(address, receiveBuffer);
        await socket.SendAsync(Handshake(address, userId));
        Assert.StartsWith("HTTP/1.1 101 ", await socket.ReadHeadAsync(), StringComparison.Ordinal);
        Assert.Contains("\"type\":\"connected\"", (await socket.ReadFrameAsync()).Payload, StringComparison.Ordinal);
        return socket;
    }

    /// <summary>A good request for an upgrade (RFC 6455 §1.2 has the key).</summary>
    /// <param name="address">The application's.</param>
    /// <param name="userId">Whose token it carries.</param>
    /// <param name="key">The line or lines of the key.</param>
    /// <param name="start">The request line.</param>
    /// <param name="version">Of the WebSocket protocol.</param>
    /// <param name="more">Further lines, each with its end.</param>
    public static string Handshake(
        Uri address, string userId, string key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", string start = "GET /ws HTTP/1.1", string version = "13", string more = "") =>
        $"{start}\r\nHost: {address.Authority}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{key}Sec-WebSocket-Version: {version}\r\n"
        + $"Authorization: Bearer {Tokens.For(userId, DateTimeOffset.MaxValue.AddYears(-1))}\r\n{more}\r\n";

    /// <summary>A masked frame.</summary>
    /// <param name="first">FIN, RSV and opcode.</param>
    /// <param name="payload">Before masking.</param>
    public static byte[] Frame(byte first, ReadOnlySpan<byte> payload)
    {
        var header = payload.Length switch { < 126 => 2, <= ushort.MaxValue => 4, _ => 10 };
        var frame = new byte[header + Mask.Length + payload.Length];
        frame[0] = first;
        frame[1] = (byte)(0x80 | header switch { 2 => payload.Length, 4 => 126, _ => 127 });
        if (header == 4)
            BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(2), (ushort)payload.Length);
        else if (header == 10)
            BinaryPrimitives.WriteUInt64BigEndian(frame.AsSpan(2), (ulong)payload.Length);
        Mask.CopyTo(frame, header);
        for (var i = 0; i < payload.Length; i++)
            frame[header + Mask.Length + i] = (byte)(payload[i] ^ Mask[i % Mask.Length]);
        return frame;
    }

    /// <inheritdoc cref="Frame(byte, ReadOnlySpan{byte})"/>
    public static byte[] Frame(byte first, string payload) => Frame(first, Encoding.UTF8.GetBytes(payload));

    /// <summary>Sends bytes as they stand.</summary>
    public Task SendAsync(byte[] bytes) => _sending.WriteAsync(bytes, TestContext.Current.CancellationToken).AsTask().Soon("the server takes what is sent");

    public Task SendAsync(string ascii) => SendAsync(Encoding.ASCII.GetBytes(ascii));

    /// <summary>Sends a text frame.</summary>
    public Task SayAsync(string json) => SendAsync(Frame(Text, json));

    /// <summary>No more will be sent: FIN.</summary>
    public void FinishSending() => _socket.Shutdown(SocketShutdown.Send);

    /// <summary>Cuts the connection: RST.</summary>
    public void Reset()
    {
        _socket.LingerState = new LingerOption(enable: true, seconds: 0);
        _socket.Dispose();
    }

    /// <summary>The head of an HTTP answer, up to the empty line.</summary>
    public async Task<string> ReadHeadAsync()
    {
        var head = new StringBuilder();
        var one = new byte[1];
        while (head is not { Length: >= 4 } || head.ToString(head.Length - 4, 4) != "\r\n\r\n")
        {
            if (await _reading.ReadAsync(one, TestContext.Current.CancellationToken).AsTask().Soon("the server answers the request") == 0)
                break;
            head.Append((char)one[0]);
        }

        return head.ToString();
    }

    /// <summary>The next frame. A reset reads as the end.</summary>
    /// <exception cref="EndOfStreamException">The server closed the connection.</exception>
    public async Task<RawFrame> ReadFrameAsync(string what = "a frame arrives")
    {
        try
        {
            return await ReadAsync().Soon(what);
        }
        catch (IOException e) when (e is not EndOfStreamException)
        {
            throw new EndOfStreamException("The connection was reset.", e);
        }
    }

    /// <summary>The next text frame, as JSON; pings are passed over.</summary>
    public async Task<JsonElement> NextAsync()
    {
        var frame = await ReadFrameAsync();
        while (frame.First == Ping)
            frame = await ReadFrameAsync();
        Assert.True(frame.First == Text, frame.First == Close ? $"Closed with {frame.CloseCode}" : $"A frame that begins with {frame.First:X2}");
        return JsonElement.Parse(frame.Bytes);
    }

    /// <summary>Passes over frames until one that contains this text.</summary>
    public async Task<RawFrame> UntilAsync(string text)
    {
        while (true)
        {
            var frame = await ReadFrameAsync($"a frame with {text} arrives");
            Assert.False(frame.First == Close, $"Closed with {frame.CloseCode} before {text}");
            if (frame.Payload.Contains(text, StringComparison.Ordinal))
                return frame;
        }
    }

    /// <summary>Everything up to the close frame, which is the last one, or to the connection's end.</summary>
    public async Task<List<RawFrame>> ReadToEndAsync()
    {
        var all = new List<RawFrame>();
        try
        {
            do
                all.Add(await ReadFrameAsync("the server closes"));
            while (all[^1].First != Close);
        }
        catch (EndOfStreamException)
        {
            // The caller sees that no close frame came.
        }

        return all;
    }

    /// <summary>Passes over frames until the close frame.</summary>
    public async Task<RawFrame> ClosedAsync()
    {
        var all = await ReadToEndAsync();
        return all is [.., { First: Close } close] ? close : throw new EndOfStreamException("The connection ended without a close frame.");
    }

    /// <summary>Nothing more comes: the server closed the connection.</summary>
    public async Task EndedAsync() => await Assert.ThrowsAsync<EndOfStreamException>(() => ReadFrameAsync("the server closes the TCP connection"));

    public async ValueTask DisposeAsync()
    {
        await _sending.DisposeAsync();
        _socket.Dispose();
    }

    private async Task<RawFrame> ReadAsync()
    {
        var cancelled = TestContext.Current.CancellationToken;
        var header = new byte[2];
        await _reading.ReadExactlyAsync(header, cancelled);
        Assert.True((header[1] & 0x80) == 0, "A server's frames are not masked");
        long length = header[1];
        if (length >= 126)
        {
            var extended = new byte[length == 126 ? 2 : 8];
            await _reading.ReadExactlyAsync(extended, cancelled);
            length = extended.Length == 2 ? BinaryPrimitives.ReadUInt16BigEndian(extended) : BinaryPrimitives.ReadInt64BigEndian(extended);
        }

        Assert.InRange(length, 0, MaxFrame);
        var payload = new byte[length];
        await _reading.ReadExactlyAsync(payload, cancelled);
        return new RawFrame(header[0], payload);
    }
}

/// <summary>A frame as it came.</summary>
/// <param name="First">FIN, RSV and opcode.</param>
/// <param name="Bytes">The payload.</param>
internal sealed record RawFrame(byte First, byte[] Bytes)
{
    public string Payload => Encoding.UTF8.GetString(Bytes);

    /// <summary>A close frame's code; 1005 where it has none.</summary>
    public int CloseCode => Bytes.Length < 2 ? 1005 : BinaryPrimitives.ReadUInt16BigEndian(Bytes);
}
