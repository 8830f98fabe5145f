using System.Net.Sockets;

namespace OrleansChat.WebFront.Sockets;

/// <summary>Reads from one connection: waits without a buffer, then reads what there is; straight from the socket where it is a plain one, or through the stream.</summary>
/// <remarks>The socket is one that does not block. Its wait looks once whether there is something already, and then costs no call: two calls of the kernel a message.</remarks>
internal readonly struct SocketReader(Stream? stream, Socket? socket)
{
    /// <summary>Waits until there is something to read, or no more to come.</summary>
    public ValueTask<int> WaitAsync(CancellationToken cancelled = default) =>
        socket is null ? stream!.ReadAsync(Memory<byte>.Empty, cancelled) : socket.ReceiveAsync(Memory<byte>.Empty, SocketFlags.None, cancelled);

    /// <returns>How many bytes were read; 0 at the end; less than 0 where there is nothing to read for now.</returns>
    /// <exception cref="SocketException">The client is gone.</exception>
    public ValueTask<int> ReadAsync(Memory<byte> buffer)
    {
        if (socket is null)
            return stream!.ReadAsync(buffer);
        var count = socket.Receive(buffer.Span, SocketFlags.None, out var error);
        return error switch
        {
            SocketError.Success => ValueTask.FromResult(count),
            SocketError.WouldBlock => ValueTask.FromResult(-1),
            _ => throw new SocketException((int)error),
        };
    }
}
