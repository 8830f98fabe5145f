using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace OrleansChat.WebFront.Sockets;

/// <summary>
/// Kestrel's way to TCP, instead of its own: connections that let go of their socket (<see cref="TcpConnection.HandOver"/>), and read when somebody wants to,
/// without pipes and loops of their own. Unix sockets and file handles stay with Kestrel's.
/// </summary>
internal sealed class TcpTransport(TimeProvider time, ILogger<TcpTransport> logger) : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    /// <summary>Connects that wait to be taken: everyone comes back at once when a server has started again. The kernel has a limit of its own.</summary>
    private const int Backlog = 4_096;

    public bool CanBind(EndPoint endpoint) => endpoint is IPEndPoint;

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        var socket = new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (endpoint is IPEndPoint any && any.Address.Equals(IPAddress.IPv6Any))
                socket.DualMode = true; // Kestrel takes "any" for both kinds of address.
            socket.Bind(endpoint);
            socket.Listen(Backlog);
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            socket.Dispose();
            throw new AddressInUseException(e.Message, e);
        }
        catch
        {
            socket.Dispose();
            throw;
        }

        return ValueTask.FromResult<IConnectionListener>(new TcpAcceptor(socket, time, logger));
    }
}
