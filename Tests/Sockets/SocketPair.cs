using System.Net;
using System.Net.Sockets;
using OrleansChat.Tests.Support;

namespace OrleansChat.Tests.Sockets;

/// <summary>The two ends of a real connection over loopback. Little buffers: who does not read is noticed soon.</summary>
internal sealed class SocketPair : IDisposable
{
    private SocketPair(Socket server, Socket client)
    {
        (Server, Client) = (server, client);
        ClientStream = new NetworkStream(client);
    }

    public Socket Server { get; }

    public Socket Client { get; }

    public NetworkStream ClientStream { get; }

    public static async Task<SocketPair> OpenAsync()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 8_192 };
        await client.ConnectAsync(listener.LocalEndpoint, TestContext.Current.CancellationToken);
        var server = await listener.AcceptSocketAsync(TestContext.Current.CancellationToken);
        server.SendBufferSize = 8_192;
        return new SocketPair(server, client);
    }

    /// <summary>The next bytes that the client gets.</summary>
    public async Task<byte[]> ReadAsync(int count, string what)
    {
        var bytes = new byte[count];
        await ClientStream.ReadExactlyAsync(bytes, TestContext.Current.CancellationToken).AsTask().Soon(what);
        return bytes;
    }

    public Task SendAsync(params byte[] bytes) => ClientStream.WriteAsync(bytes, TestContext.Current.CancellationToken).AsTask();

    public void Dispose()
    {
        Server.Dispose();
        Client.Dispose();
    }
}
