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

    /// <returns>False when as many wait as may.</returns>
    /// <exception cref="ObjectDisposedException">The queue is complete.</exception>
    public bool TryAdd(SqliteWork work)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isComplete, this);
            if (_waiting.Count == capacity)
                return false;
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

            return true;
        }
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

    private void Wake()
    {
        _isDue = true;
        Monitor.Pulse(_gate);
    }
}
