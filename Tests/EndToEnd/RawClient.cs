using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using OrleansChat.Tests.Support;

namespace OrleansChat.Tests.EndToEnd;

/// <summary>A WebSocket without a library: it reads when the test does, answers no ping, and sends what no library would.</summary>
internal sealed class RawClient : IDisposable
{
    public const byte Continuation = 0x0;
    public const byte Text = 0x1;
    public const byte Binary = 0x2;
    public const byte Close = 0x8;
    public const byte Ping = 0x9;

    private readonly TcpClient _tcp;
    private readonly Stream _stream;

    private RawClient(TcpClient tcp) => (_tcp, _stream) = (tcp, new BufferedStream(tcp.GetStream(), 4_096));

    /// <summary>Connects and reads <c>connected</c>.</summary>
    /// <param name="address">The application's.</param>
    /// <param name="token">Whose connection it is.</param>
    /// <param name="receiveBuffer">Bytes that the kernel takes for a client that does not read; null: its default.</param>
    public static async Task<RawClient> ConnectAsync(Uri address, string token, int? receiveBuffer = null)
    {
        var tcp = new TcpClient { NoDelay = true };
        if (receiveBuffer is { } bytes)
            tcp.ReceiveBufferSize = bytes;
        await tcp.ConnectAsync(address.Host, address.Port, TestContext.Current.CancellationToken);
        var client = new RawClient(tcp);
        var request = $"GET /ws HTTP/1.1\r\nHost: {address.Authority}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            + $"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: Bearer {token}\r\n\r\n";
        await client.WriteAsync(Encoding.ASCII.GetBytes(request));
        var head = new StringBuilder();
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
            head.Append((char)(await client.ReadExactlyAsync(1))[0]);
        Assert.StartsWith("HTTP/1.1 101 ", head.ToString(), StringComparison.Ordinal);
        Assert.Contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n", head.ToString(), StringComparison.Ordinal);
        Assert.Equal("connected", (await client.NextAsync()).GetProperty("type").GetString());
        return client;
    }

    public Task SendAsync(string json) => SendAsync(Text, Encoding.UTF8.GetBytes(json));

    /// <summary>Sends one WebSocket frame.</summary>
    public async Task SendAsync(byte opcode, byte[] payload, bool isLast = true)
    {
        var header = new byte[8];
        header[0] = (byte)((isLast ? 0x80 : 0) | opcode);
        var length = payload.Length < 126 ? 2 : 4;
        header[1] = (byte)(0x80 | (length == 2 ? payload.Length : 126));
        if (length == 4)
            BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(2), checked((ushort)payload.Length));
        // A mask of zeros is a mask.
        await WriteAsync([.. header.AsSpan(0, length + 4), .. payload]);
    }

    /// <summary>The next WebSocket frame.</summary>
    public async Task<(byte Opcode, byte[] Payload)> ReadFrameAsync()
    {
        var header = await ReadExactlyAsync(2);
        Assert.Equal(0x80, header[0] & 0xF0); // whole, and nothing compressed
        long length = header[1];
        Assert.InRange(length, 0, 127); // a server does not mask
        if (length == 126)
            length = BinaryPrimitives.ReadUInt16BigEndian(await ReadExactlyAsync(2));
        else if (length == 127)
            length = BinaryPrimitives.ReadInt64BigEndian(await ReadExactlyAsync(8));
        return ((byte)(header[0] & 0xF), await ReadExactlyAsync((int)length));
    }

    /// <summary>The next text frame; pings are passed over.</summary>
    public async Task<JsonElement> NextAsync()
    {
        var (opcode, payload) = await ReadFrameAsync();
        while (opcode == Ping)
            (opcode, payload) = await ReadFrameAsync();
        Assert.True(opcode == Text, opcode == Close ? $"The server closed the connection: {CloseOf(payload)}" : $"opcode {opcode}");
        return JsonElement.Parse(payload);
    }

    /// <summary>Passes over everything until the close frame.</summary>
    public async Task<(int Code, string Reason)> ClosedAsync()
    {
        while (true)
        {
            var (opcode, payload) = await ReadFrameAsync();
            if (opcode == Close)
                return CloseOf(payload);
        }
    }

    public void Dispose() => _tcp.Dispose();

    private static (int Code, string Reason) CloseOf(byte[] payload) =>
        payload.Length == 0 ? (1005, "") : (BinaryPrimitives.ReadUInt16BigEndian(payload), Encoding.UTF8.GetString(payload, 2, payload.Length - 2));

    private Task WriteAsync(byte[] bytes) => _tcp.GetStream().WriteAsync(bytes, TestContext.Current.CancellationToken).AsTask();

    private async Task<byte[]> ReadExactlyAsync(int count)
    {
        var bytes = new byte[count];
        await _stream.ReadExactlyAsync(bytes, TestContext.Current.CancellationToken).AsTask().Soon("the server sends more");
        return bytes;
    }
}
