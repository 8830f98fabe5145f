using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace OrleansChat.WebFront.Sockets;

/// <summary>Takes the connections that come to one address.</summary>
internal sealed partial class TcpAcceptor(Socket listener, TimeProvider time, ILogger logger) : IConnectionListener
{
    /// <summary>How long it lets be when the process may have no more sockets, or the machine no more memory. Who is not taken waits in the kernel.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private volatile bool _unbound;

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
                if (DescriptorLimit.IsNear(socket.SafeHandle))
                    await UntilSomeAreFreeAsync(cancellationToken);
                return new TcpConnection(socket, SocketPoller.Shared);
            }
            catch (Exception e) when (e is ObjectDisposedException or SocketException { SocketErrorCode: SocketError.OperationAborted })
            {
                socket?.Dispose();
                return null;
            }
            catch (SocketException e) when (socket is not null || e.SocketErrorCode is SocketError.ConnectionReset or SocketError.ConnectionAborted)
            {
                // The client is gone again already.
                socket?.Dispose();
            }
            catch (SocketException e)
            {
                LogFull(e.SocketErrorCode);
                await Task.Delay(Pause, time, cancellationToken);
            }
        }
    }

    /// <summary>The one that took the last descriptor waits here, those behind it in the kernel: nobody is refused.</summary>
    private async Task UntilSomeAreFreeAsync(CancellationToken cancellationToken)
    {
        LogFull(SocketError.TooManyOpenSockets);
        do
            await Task.Delay(Pause, time, cancellationToken);
        while (!_unbound && DescriptorLimit.IsNear());
    }

    public ValueTask UnbindAsync(CancellationToken cancellationToken = default) => DisposeAsync();

    public ValueTask DisposeAsync()
    {
        _unbound = true;
        listener.Dispose();
        return ValueTask.CompletedTask;
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "No more connections can be taken for now ({Error}); new ones wait")]
    private partial void LogFull(SocketError error);
}
