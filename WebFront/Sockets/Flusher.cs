using System.Collections.Concurrent;
using OrleansChat.Streaming;

namespace OrleansChat.WebFront.Sockets;

/// <summary>
/// Writes outboxes that have something to send, one after the other: while it writes one, frames gather in the others. A few of these share all connections.
/// Outboxes whose clients are likely to answer go first, and so does whatever else is ready to run: the others gather meanwhile, for a moment at the most.
/// </summary>
internal sealed class Flusher : IThreadPoolWorkItem
{
    private const int PlacesKept = 256;

    /// <summary>So many writes take as long as a client needs for an answer: less often, and it lies there.</summary>
    private const int WritesBetweenLooks = 8;

    /// <summary>How long those that may wait do, while others have something to do, at the most.</summary>
    internal static readonly TimeSpan LongestWait = TimeSpan.FromMilliseconds(20);

    /// <summary>… and for each of them, four times what its write takes: they have a fifth of the time, and few wait less long than many.</summary>
    internal static readonly TimeSpan WaitForEach = TimeSpan.FromMicroseconds(20);

    private readonly TimeProvider _time;
    private readonly Action<bool>? _written;
    private readonly ConcurrentQueue<Outbox> _first = [];
    private readonly ConcurrentQueue<Outbox> _others = [];
    private readonly Background _background;
    private readonly byte[] _scratch = GC.AllocateUninitializedArray<byte>(SocketWriter.MaxWrite, pinned: true);
    private List<ReadOnlyMemory<byte>> _pieces = [];
    private int _isScheduled;
    private int _left;
    private long _roundBegan;
    private TimeSpan _roundWaits;

    /// <param name="time">Tells how long others have waited.</param>
    /// <param name="written">Called after a few writes; true: all is written.</param>
    public Flusher(TimeProvider time, Action<bool>? written = null) => (_time, _written, _background) = (time, written, new Background(GoOn));

    /// <summary>Whether it has something to write: if so, it tells when it has written.</summary>
    public bool IsBusy => Volatile.Read(ref _isScheduled) == 1;

    /// <summary>Notes that an outbox has something to send. Once is enough until it is clean again; once more, when it may not wait any longer.</summary>
    public void Post(Outbox outbox, bool mayWait)
    {
        (mayWait ? _others : _first).Enqueue(outbox);
        if (Interlocked.Exchange(ref _isScheduled, 1) == 0)
            Lull.ForWrites.Post(this);
    }

    void IThreadPoolWorkItem.Execute()
    {
        do
        {
            for (var count = _first.Count; count > 0 && _first.TryDequeue(out var outbox); count--)
                Flush(outbox);
            if (!TryFlushOthers())
            {
                _background.Post();
                return;
            }

            // A full fence: the look at the queues must not come before the write is seen, or a post in between wakes nobody. Who saw it busy is told after it.
            Interlocked.Exchange(ref _isScheduled, 0);
            _written?.Invoke(_first.IsEmpty && _others.IsEmpty);
        }
        while (!(_first.IsEmpty && _others.IsEmpty) && Interlocked.Exchange(ref _isScheduled, 1) == 0);
    }

    /// <summary>The others have their turn; who came meanwhile and goes first waits for the lull that gathers writes, as ever.</summary>
    private void GoOn()
    {
        if (_first.IsEmpty)
            ((IThreadPoolWorkItem)this).Execute();
        else
            Lull.ForWrites.Post(this);
    }

    /// <returns>False when somebody else has something to do: it is to go on behind them.</returns>
    private bool TryFlushOthers()
    {
        for (var written = 0; !_others.IsEmpty; written++)
        {
            if (_left == 0)
                BeginRound();
            if (written % WritesBetweenLooks == 0)
            {
                _written?.Invoke(false);
                if (_time.GetElapsedTime(_roundBegan) < _roundWaits)
                {
                    if (!Background.HasItsTurn())
                        return false;
                    if (!_first.IsEmpty)
                        return true;
                }
            }

            if (_others.TryDequeue(out var outbox))
                Flush(outbox);
            _left--;
        }

        return true;
    }

    /// <summary>A round is all that wait now: whatever comes meanwhile, they go out when its time is over.</summary>
    private void BeginRound()
    {
        (_left, _roundBegan) = (_others.Count, _time.GetTimestamp());
        var wait = _left * WaitForEach;
        _roundWaits = wait < LongestWait ? wait : LongestWait;
    }

    private void Flush(Outbox outbox)
    {
        if (outbox.IsSlow)
            return;
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
