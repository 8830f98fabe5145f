using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging.Abstractions;
using OrleansChat.Tests.Support;
using OrleansChat.WebFront.Sockets;

namespace OrleansChat.Tests.Sockets;

/// <summary>Where it listens, and what comes of it.</summary>
public sealed class TcpTransportTests
{
    private readonly TcpTransport _transport = new(TimeProvider.System, NullLogger<TcpTransport>.Instance);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public void It_takes_addresses_of_IP_and_leaves_the_rest_to_Kestrel()
    {
        Assert.True(_transport.CanBind(new IPEndPoint(IPAddress.IPv6Loopback, 80)));
        Assert.False(_transport.CanBind(new UnixDomainSocketEndPoint("chat.sock")));
        Assert.False(_transport.CanBind(new FileHandleEndPoint(3, FileHandleType.Tcp)));
    }

    /// <summary>Kestrel turns it into the message that names the address.</summary>
    [Fact]
    public async Task A_port_that_is_taken_is_said_to_be()
    {
        await using var first = await _transport.BindAsync(new IPEndPoint(IPAddress.Loopback, 0), Cancelled);
        await Assert.ThrowsAsync<AddressInUseException>(async () => await _transport.BindAsync(first.EndPoint, Cancelled));
    }

    [Fact]
    public async Task Any_address_is_one_of_IPv6_and_of_IPv4()
    {
        await using var listener = await _transport.BindAsync(new IPEndPoint(IPAddress.IPv6Any, 0), Cancelled);
        var port = ((IPEndPoint)listener.EndPoint).Port;
        foreach (var address in new[] { IPAddress.Loopback, IPAddress.IPv6Loopback })
        {
            using var client = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            await client.ConnectAsync(address, port, Cancelled);
            var connection = await listener.AcceptAsync(Cancelled).AsTask().Soon($"a connection to {address} is taken");
            Assert.True(Assert.IsType<TcpConnection>(connection).Socket.NoDelay);
            Assert.Equal(port, Assert.IsType<IPEndPoint>(connection.LocalEndPoint).Port);
            Assert.Equal(((IPEndPoint)client.LocalEndPoint!).Port, Assert.IsType<IPEndPoint>(connection.RemoteEndPoint).Port);
            await connection.DisposeAsync();
        }
    }

    [Fact]
    public async Task Who_waits_for_connections_hears_that_it_listens_no_more()
    {
        await using var listener = await _transport.BindAsync(new IPEndPoint(IPAddress.Loopback, 0), Cancelled);
        var accepting = listener.AcceptAsync(Cancelled).AsTask();
        await listener.UnbindAsync(Cancelled);
        Assert.Null(await accepting.Soon("the wait ends"));
    }

    [Fact]
    public async Task Two_connections_have_two_ids()
    {
        await using var listener = await _transport.BindAsync(new IPEndPoint(IPAddress.Loopback, 0), Cancelled);
        var ids = new HashSet<string>();
        for (var i = 0; i < 2; i++)
        {
            using var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            await client.ConnectAsync(listener.EndPoint, Cancelled);
            await using var connection = await listener.AcceptAsync(Cancelled).AsTask().Soon("the connection is taken");
            Assert.True(ids.Add(connection!.ConnectionId));
        }
    }
}
