using System.Buffers;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace OrleansChat.WebFront.Sockets;

/// <summary>
/// Writes to one connection: straight to the socket, without waiting, where it is a plain one; through the stream where TLS or HTTP/2 lies between.
/// The two ways are never mixed on one connection.
/// </summary>
internal sealed class SocketWriter(Stream? stream, Socket? socket)
{
    /// <summary>Bytes in one write.</summary>
    public const int MaxWrite = 65_536;

    /// <summary>Writes as much as the socket takes at once.</summary>
    /// <param name="pieces">What to write.</param>
    /// <param name="scratch">The caller's, of <see cref="MaxWrite"/> bytes.</param>
    /// <param name="rest">What was not written, for <see cref="WriteAsync"/>.</param>
    /// <returns>False when something is left.</returns>
    public bool TryWrite(List<ReadOnlyMemory<byte>> pieces, byte[] scratch, out List<ReadOnlyMemory<byte>> rest)
    {
        rest = pieces;
        if (socket is null)
            return false;
        for (var next = 0; next < pieces.Count;)
        {
            var chunk = Gather(pieces, ref next, scratch);
            var sent = socket.Send(chunk.Span, SocketFlags.None, out var error);
            if (error == SocketError.Success && sent == chunk.Length)
                continue;

            // Would block, or the socket is gone: the slow way finds out which. What was gathered is the scratch's: it is copied.
            rest = [chunk[Math.Max(sent, 0)..].ToArray(), .. pieces.Skip(next)];
            return false;
        }

        return true;
    }

    /// <summary>Writes everything, waiting for the client to read.</summary>
    /// <param name="pieces">What to write; what is written is let go of.</param>
    /// <param name="written">Hears how many bytes went out, as they go.</param>
    public async Task WriteAsync(List<ReadOnlyMemory<byte>> pieces, Action<int> written)
    {
        var scratch = ArrayPool<byte>.Shared.Rent(MaxWrite);
        try
        {
            for (var next = 0; next < pieces.Count;)
            {
                var first = next;
                var chunk = Gather(pieces, ref next, scratch);
                CollectionsMarshal.AsSpan(pieces)[first..next].Clear();
                if (socket is null)
                {
                    await stream!.WriteAsync(chunk);
                    written(chunk.Length);
                }
                else
                {
                    await SendAllAsync(socket, chunk, written);
                }
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(scratch);
        }
    }

    private static async Task SendAllAsync(Socket socket, ReadOnlyMemory<byte> chunk, Action<int> written)
    {
        while (!chunk.IsEmpty)
        {
            var sent = await socket.SendAsync(chunk, SocketFlags.None);
            chunk = chunk[sent..];
            written(sent);
        }
    }

    /// <summary>Copies pieces together, as many as fit; what stands alone goes as it is. A piece that is larger than the scratch is cut, its end put back in its place.</summary>
    private static ReadOnlyMemory<byte> Gather(List<ReadOnlyMemory<byte>> pieces, ref int next, byte[] scratch)
    {
        if (next == pieces.Count - 1 && pieces[next].Length <= MaxWrite)
            return pieces[next++];
        var length = 0;
        while (next < pieces.Count)
        {
            var piece = pieces[next];
            var room = MaxWrite - length;
            if (piece.Length > room)
            {
                if (length > 0)
                    break;
                piece.Span[..room].CopyTo(scratch);
                pieces[next] = piece[room..];
                return scratch.AsMemory(0, room);
            }

            piece.Span.CopyTo(scratch.AsSpan(length));
            length += piece.Length;
            next++;
        }

        return scratch.AsMemory(0, length);
    }
}
