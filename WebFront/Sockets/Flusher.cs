using System.Collections.Concurrent;
using OrleansChat.Streaming;

namespace OrleansChat.WebFront.Sockets;

/// <summary>
/// Writes outboxes that have something to send, one after the other: while it writes one, frames gather in the others. A few of these share all connections.
/// </summary>
internal sealed class Flusher : IThreadPoolWorkItem
{
    private readonly ConcurrentQueue<Outbox> _dirty = [];
    private readonly byte[] _scratch = GC.AllocateUninitializedArray<byte>(SocketWriter.MaxWrite, pinned: true);
    private List<ReadOnlyMemory<byte>>? _spare;
    private int _isScheduled;

    /// <summary>Notes that an outbox has something to send. Once is enough until it is clean again.</summary>
    public void Post(Outbox outbox)
    {
        _dirty.Enqueue(outbox);
        if (Interlocked.Exchange(ref _isScheduled, 1) == 0)
            Lull.ForWrites.Post(this);
    }

    void IThreadPoolWorkItem.Execute()
    {
        do
        {
            while (_dirty.TryDequeue(out var outbox))
                Flush(outbox);
            // A full fence: the look at the queue must not come before the write is seen, or a post in between wakes nobody.
            Interlocked.Exchange(ref _isScheduled, 0);
        }
        while (!_dirty.IsEmpty && Interlocked.Exchange(ref _isScheduled, 1) == 0);
    }

    private void Flush(Outbox outbox)
    {
        while (outbox.Take(_spare) is { } pieces)
        {
            _spare = null;
            try
            {
                if (!outbox.Writer!.TryWrite(pieces, _scratch, out var rest))
                {
                    // The socket takes no more for now: this outbox goes its own way until it is clean, the others go on here.
                    outbox.OnLeft(rest.Sum(piece => piece.Length));
                    _ = FlushSlowlyAsync(outbox, rest);
                    return;
                }
            }
            catch (ObjectDisposedException)
            {
                // The connection has ended, whatever is being written.
                outbox.Abandon();
                return;
            }

            pieces.Clear();
            if (pieces.Capacity <= 256)
                _spare = pieces;
        }
    }

    private static async Task FlushSlowlyAsync(Outbox outbox, List<ReadOnlyMemory<byte>> pieces)
    {
        try
        {
            do
                await outbox.Writer!.WriteAsync(pieces, outbox.OnWritten);
            while ((pieces = outbox.Take(spare: null)!) is not null);
        }
        catch (Exception)
        {
            // The socket is gone; the connection's receive loop sees it too, and ends.
            outbox.Abandon();
        }
    }
}
