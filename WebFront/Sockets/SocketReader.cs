using System.Net.Sockets;

namespace OrleansChat.WebFront.Sockets;

/// <summary>Reads from one connection: waits without a buffer, then reads what there is; straight from the socket where it is a plain one, or through the stream.</summary>
internal readonly struct SocketReader(Stream? stream, PolledSocket? socket)
{
    /// <summary>Waits until there is something to read, or no more to come.</summary>
    public ValueTask<int> WaitAsync() => socket?.WaitAsync() ?? stream!.ReadAsync(Memory<byte>.Empty);

    /// <inheritdoc cref="WaitAsync()"/>
    public ValueTask<int> WaitAsync(CancellationToken cancelled) => socket?.WaitAsync(cancelled) ?? stream!.ReadAsync(Memory<byte>.Empty, cancelled);

    /// <returns>How many bytes were read; 0 at the end; less than 0 where there is nothing to read for now.</returns>
    /// <exception cref="SocketException">The client is gone.</exception>
    public ValueTask<int> ReadAsync(Memory<byte> buffer) => socket is null ? stream!.ReadAsync(buffer) : ValueTask.FromResult(socket.Receive(buffer.Span));
}
