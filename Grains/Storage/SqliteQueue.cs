using OrleansChat.Streaming;

namespace OrleansChat.Grains.Storage;

/// <summary>What waits for the threads of the data file, bounded.</summary>
/// <param name="capacity">Operations that may wait.</param>
/// <param name="lull">Where those who wait for a transaction let others go first, who may want to be in it too; null: a thread begins at once.</param>
internal sealed class SqliteQueue(int capacity, Lull? lull) : IThreadPoolWorkItem
{
    private readonly object _gate = new();
    private readonly Queue<SqliteWork> _waiting = new();
    private bool _isPosted;
    private bool _isDue;
    private bool _isComplete;

    /// <summary>Has an operation run by the thread that takes it.</summary>
    /// <returns>What it gives; <see cref="IOException"/> when as many wait as may, <see cref="ObjectDisposedException"/> when the queue is complete: it is not done then.</returns>
    public Task<T> RunAsync<TState, T>(TState state, Func<TState, SqliteSession, T> run, CancellationToken cancellation)
    {
        if (cancellation.IsCancellationRequested)
            return Task.FromCanceled<T>(cancellation);
        var work = new SqliteWork<TState, T>(state, run, cancellation);
        if (Add(work) is { } refusal)
            work.Fail(refusal);
        return work.Done;
    }

    /// <summary>Waits until there is work, and takes it.</summary>
    /// <param name="taken">Gets the work.</param>
    /// <param name="max">Operations taken.</param>
    /// <returns>False when the queue is complete and empty.</returns>
    public bool Take(List<SqliteWork> taken, int max)
    {
        lock (_gate)
        {
            while (!_isDue && !_isComplete)
                Monitor.Wait(_gate);
            while (taken.Count < max && _waiting.TryDequeue(out var work))
                taken.Add(work);
            _isDue = _waiting.Count > 0;
            return taken.Count > 0;
        }
    }

    /// <summary>Takes no more; what waits can still be taken.</summary>
    public void Complete()
    {
        lock (_gate)
        {
            _isComplete = true;
            Monitor.PulseAll(_gate);
        }
    }

    void IThreadPoolWorkItem.Execute()
    {
        lock (_gate)
        {
            _isPosted = false;
            if (_waiting.Count > 0)
                Wake();
        }
    }

    /// <returns>Why it does not wait; null: it does.</returns>
    private Exception? Add(SqliteWork work)
    {
        lock (_gate)
        {
            if (_isComplete)
                return new ObjectDisposedException(nameof(SqliteFile));
            if (_waiting.Count == capacity)
                return new IOException($"{capacity} operations wait for the data file already; this one was not done.");
            _waiting.Enqueue(work);
            if (lull is null)
            {
                Wake();
            }
            else if (!_isDue && !_isPosted)
            {
                _isPosted = true;
                lull.Post(this);
            }

            return null;
        }
    }

    private void Wake()
    {
        _isDue = true;
        Monitor.Pulse(_gate);
    }
}
