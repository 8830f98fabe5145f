namespace OrleansChat.WebFront.Sockets;

/// <summary>A flusher per core; a connection stays with one, so its bytes stay in order.</summary>
internal sealed class Flushers
{
    /// <summary>How long <see cref="WrittenAsync"/> takes at the most, about: it is looked at between writes.</summary>
    internal static readonly TimeSpan LongestWait = TimeSpan.FromMilliseconds(2);

    private readonly Flusher[] _all;
    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private TaskCompletionSource? _written;
    private long _askedAt;

    /// <param name="time">Tells how long somebody has waited.</param>
    public Flushers(TimeProvider time)
    {
        _time = time;
        _all = [.. Enumerable.Range(0, Environment.ProcessorCount).Select(_ => new Flusher(time, OnWritten))];
        _timer = time.CreateTimer(static flushers => ((Flushers)flushers!).OnWritten(isAll: true), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Whose a connection is.</summary>
    public Flusher Of(string clientId) => _all[(uint)clientId.GetHashCode(StringComparison.Ordinal) % _all.Length];

    /// <summary>For what would take the core from those writes: ends as soon as one of them has written all it had, the next time, and after about <see cref="LongestWait"/> at the latest. Who is written to slowly, or over TLS, does not count.</summary>
    public Task WrittenAsync()
    {
        var written = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        if (Interlocked.CompareExchange(ref _written, written, null) is { } underWay)
            return underWay.Task;
        Volatile.Write(ref _askedAt, _time.GetTimestamp());
        _timer.Change(LongestWait, Timeout.InfiniteTimeSpan);
        return written.Task;
    }

    /// <summary>The timer alone would not do: it gets no turn as long as a flusher is busy.</summary>
    private void OnWritten(bool isAll)
    {
        if (Volatile.Read(ref _written) is not null && (isAll || _time.GetElapsedTime(Volatile.Read(ref _askedAt)) >= LongestWait))
            Interlocked.Exchange(ref _written, null)?.TrySetResult();
    }
}
