using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace OrleansChat.WebFront.Sockets;

/// <summary>Takes the connections that come to one address.</summary>
internal sealed partial class TcpAcceptor(Socket listener, TimeProvider time, ILogger logger) : IConnectionListener
{
    /// <summary>What is not taken waits in the kernel; a place may be free later.</summary>
    private static readonly TimeSpan PauseWhenFull = TimeSpan.FromMilliseconds(100);

    public EndPoint EndPoint { get; } = listener.LocalEndPoint!;

    /// <returns>Null when it listens no more.</returns>
    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        while (true)
        {
            Socket? socket = null;
            try
            {
                socket = await listener.AcceptAsync(cancellationToken);
                socket.NoDelay = true;
                return new TcpConnection(socket);
            }
            catch (Exception e) when (e is ObjectDisposedException or SocketException { SocketErrorCode: SocketError.OperationAborted })
            {
                socket?.Dispose();
                return null;
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.TooManyOpenSockets or SocketError.NoBufferSpaceAvailable)
            {
                LogFull();
                await Task.Delay(PauseWhenFull, time, cancellationToken);
            }
            catch (SocketException)
            {
                // The client is gone again already.
                socket?.Dispose();
            }
        }
    }

    public ValueTask UnbindAsync(CancellationToken cancellationToken = default) => DisposeAsync();

    public ValueTask DisposeAsync()
    {
        listener.Dispose();
        return ValueTask.CompletedTask;
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "This process may open no more sockets; new connections wait")]
    private partial void LogFull();
}
