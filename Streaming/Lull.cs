using System.Collections.Concurrent;

namespace OrleansChat.Streaming;

/// <summary>
/// Where work waits that costs less the more has gathered for it: the next run of a batch, a write to a socket, a transaction. It goes to the thread pool when
/// nothing else is ready to run there. An idle process does not notice; on a busy one what is ready goes first, and what it brings gathers.
/// </summary>
/// <remarks>
/// No timer and no fixed delay: it looks again each time that everything which was ready before it has had its turn, and goes ahead after
/// <c>patience</c> such looks at the latest. What waits together takes one place in the pool's queue. Thread-safe. Work posted here may run beside
/// other work of the same lull.
/// </remarks>
/// <param name="patience">How often others may go first; 0: never.</param>
public sealed class Lull(int patience) : IThreadPoolWorkItem
{
    private readonly ConcurrentQueue<IThreadPoolWorkItem> _waiting = [];
    private int _isQueued;
    private int _looks;

    /// <summary>For what goes out: it waits less long than <see cref="ForBatches"/>, for what goes out brings the next in.</summary>
    public static Lull ForWrites { get; } = new(patience: 4);

    /// <summary>For what is gathered to be called or stored together.</summary>
    public static Lull ForBatches { get; } = new(patience: 8);

    /// <summary>Has the work executed once, soon, on a thread of the pool. No execution context flows.</summary>
    public void Post(IThreadPoolWorkItem work)
    {
        _waiting.Enqueue(work);
        if (Interlocked.Exchange(ref _isQueued, 1) == 0)
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    void IThreadPoolWorkItem.Execute()
    {
        if (_looks < patience && !Background.IsPoolQuiet)
        {
            _looks++;
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
            return;
        }

        _looks = 0;
        // A full fence: what is posted from here on queues this lull again; what was posted before is counted.
        Interlocked.Exchange(ref _isQueued, 0);
        for (var count = _waiting.Count; count > 0 && _waiting.TryDequeue(out var work); count--)
            ThreadPool.UnsafeQueueUserWorkItem(work, preferLocal: false);
    }
}
