using System.Net;
using System.Net.Sockets;
using OrleansChat.Tests.Support;
using OrleansChat.WebFront.Sockets;

namespace OrleansChat.Tests.Sockets;

/// <summary>One flusher writes many connections: what befalls one must not befall the others.</summary>
public sealed class FlusherTests
{
    private static readonly byte[] Piece = "hello"u8.ToArray();

    [Fact]
    public async Task A_socket_that_is_gone_ends_its_own_outbox_and_no_other()
    {
        var flusher = new Flusher();
        var (goneServer, goneClient) = await ConnectAsync();
        var (server, client) = await ConnectAsync();
        using var clean = new CompositeDisposal(goneServer, goneClient, server, client);
        var (gone, other) = (Started(flusher, goneServer), Started(flusher, server));

        // The framework disposes a socket whenever its client resets it, also while frames are on their way.
        goneServer.Dispose();
        Assert.True(gone.TryPost(Piece));
        Assert.True(other.TryPost(Piece));

        await gone.WaitEmptyAsync().Soon("the outbox of the socket that is gone is abandoned");
        var received = new byte[Piece.Length];
        await new NetworkStream(client).ReadExactlyAsync(received, TestContext.Current.CancellationToken).AsTask().Soon("the other connection gets its frame");
        Assert.Equal(Piece, received);
        Assert.False(gone.TryPost(Piece));
    }

    private static Outbox Started(Flusher flusher, Socket socket)
    {
        socket.Blocking = false;
        var outbox = new Outbox(16_384, flusher);
        outbox.Start(new SocketWriter(Stream.Null, socket));
        return outbox;
    }

    private static async Task<(Socket Server, Socket Client)> ConnectAsync()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await client.ConnectAsync(listener.LocalEndpoint, TestContext.Current.CancellationToken);
        return (await listener.AcceptSocketAsync(TestContext.Current.CancellationToken), client);
    }

    private sealed class CompositeDisposal(params IDisposable[] all) : IDisposable
    {
        public void Dispose() => Array.ForEach(all, one => one.Dispose());
    }
}
