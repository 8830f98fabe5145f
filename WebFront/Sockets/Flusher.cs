using System.Collections.Concurrent;
using OrleansChat.Streaming;

namespace OrleansChat.WebFront.Sockets;

/// <summary>
/// Writes outboxes that have something to send, one after the other: while it writes one, frames gather in the others. A few of these share all connections.
/// </summary>
internal sealed class Flusher : IThreadPoolWorkItem
{
    private const int PlacesKept = 256;

    private readonly ConcurrentQueue<Outbox> _dirty = [];
    private readonly byte[] _scratch = GC.AllocateUninitializedArray<byte>(SocketWriter.MaxWrite, pinned: true);
    private List<ReadOnlyMemory<byte>> _pieces = [];
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
        while (outbox.TryTake(_pieces))
        {
            try
            {
                if (!outbox.Writer!.TryWrite(_pieces, _scratch, out var rest))
                {
                    // The socket takes no more for now: this outbox goes its own way until it is clean, the others go on here.
                    outbox.OnLeft(rest.Sum(piece => piece.Length));
                    _pieces = []; // 'rest' may be the very list.
                    _ = FlushSlowlyAsync(outbox, rest);
                    return;
                }
            }
            catch (ObjectDisposedException)
            {
                // The connection has ended, whatever is being written.
                outbox.Abandon();
            }
            finally
            {
                if (_pieces.Capacity > PlacesKept)
                    _pieces = [];
                _pieces.Clear();
            }
        }
    }

    private static async Task FlushSlowlyAsync(Outbox outbox, List<ReadOnlyMemory<byte>> pieces)
    {
        try
        {
            do
            {
                await outbox.Writer!.WriteAsync(pieces, outbox.OnWritten);
                pieces.Clear();
            }
            while (outbox.TryTake(pieces));
        }
        catch (Exception)
        {
            // The socket is gone; the connection's receive loop sees it too, and ends.
            outbox.Abandon();
        }
    }
}
