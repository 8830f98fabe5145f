namespace OrleansChat.WebFront.Sockets;

/// <summary>A flusher per core; a connection stays with one, so its bytes stay in order.</summary>
internal sealed class Flushers
{
    /// <summary>How long <see cref="WrittenAsync"/> takes at the most, about: it is looked at between writes.</summary>
    internal static readonly TimeSpan LongestWait = TimeSpan.FromMilliseconds(2);

    private readonly Flusher[] _all;
    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private Wait? _waiting;

    /// <param name="time">Tells how long somebody has waited.</param>
    public Flushers(TimeProvider time)
    {
        _time = time;
        _all = [.. Enumerable.Range(0, Environment.ProcessorCount).Select(_ => new Flusher(time, OnWritten))];
        _timer = time.CreateTimer(static flushers => ((Flushers)flushers!).OnTime(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Whose a connection is.</summary>
    public Flusher Of(string clientId) => _all[(uint)clientId.GetHashCode(StringComparison.Ordinal) % _all.Length];

    /// <summary>For what would take the core from those writes: ends as soon as one of them has written all it had, the next time, and after about <see cref="LongestWait"/> at the latest. Who is written to slowly, or over TLS, does not count.</summary>
    public Task WrittenAsync()
    {
        var wait = new Wait(_time.GetTimestamp());
        if (Interlocked.CompareExchange(ref _waiting, wait, null) is { } underWay)
            return underWay.Task;
        // Who is busy sees it when it is done, and looks at the clock meanwhile: a timer costs a change of threads, and gets no turn as long as a flusher works.
        if (!Array.Exists(_all, flusher => flusher.IsBusy))
            _timer.Change(LongestWait, Timeout.InfiniteTimeSpan);
        return wait.Task;
    }

    private void OnWritten(bool isAll)
    {
        if (Volatile.Read(ref _waiting) is { } wait && (isAll || IsOver(wait)) && Interlocked.CompareExchange(ref _waiting, null, wait) == wait)
            wait.TrySetResult();
    }

    /// <summary>A timer may be early, by the ticks of a coarse clock (4 ms on Linux), or be that of an earlier wait.</summary>
    private void OnTime()
    {
        OnWritten(isAll: false);
        if (Volatile.Read(ref _waiting) is not null)
            _timer.Change(LongestWait, Timeout.InfiniteTimeSpan);
    }

    private bool IsOver(Wait wait) => _time.GetElapsedTime(wait.Since) >= LongestWait;

    private sealed class Wait(long since) : TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        public long Since => since;
    }
}
