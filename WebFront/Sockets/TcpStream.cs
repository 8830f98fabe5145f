using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace OrleansChat.WebFront.Sockets;

/// <summary>A connection's bytes, its faults told as Kestrel expects them: a read throws, a write does not.</summary>
internal sealed class TcpStream(TcpConnection connection) : Stream
{
    /// <summary>What is written is kept instead.</summary>
    public bool HoldsBack { get; set; }

    /// <summary>What was written meanwhile.</summary>
    public byte[] Held { get; private set; } = [];

    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <exception cref="ConnectionResetException">The client is gone.</exception>
    /// <exception cref="ConnectionAbortedException">The connection was torn down here.</exception>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            var count = 0;
            if (buffer.IsEmpty)
                await connection.Polled.WaitAsync(cancellationToken);
            else
                while ((count = connection.Polled.Receive(buffer.Span)) < 0)
                    await connection.Polled.WaitAsync(cancellationToken);
            // A socket that was torn down here may end a read as a client does that has no more to say.
            return count > 0 || connection.AbortReason is not { } reason ? count : throw new ConnectionAbortedException(reason.Message, reason);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            if (connection.AbortReason is { } reason)
                throw new ConnectionAbortedException(reason.Message, reason);
            connection.Abort(new ConnectionAbortedException("The client is gone.", e));
            throw new ConnectionResetException(e.Message, e);
        }
    }

    /// <summary>Writes all. Where the client is gone, it is told by <see cref="BaseConnectionContext.ConnectionClosed"/>.</summary>
    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (HoldsBack)
        {
            Held = [.. Held, .. buffer.Span];
            return;
        }

        try
        {
            while (!buffer.IsEmpty)
                buffer = buffer[await connection.Socket.SendAsync(buffer, SocketFlags.None, cancellationToken)..];
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            connection.Abort(new ConnectionAbortedException("The client is gone.", e));
        }
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Flush()
    {
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
