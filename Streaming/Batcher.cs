namespace OrleansChat.Streaming;

/// <summary>
/// Feeds one slow step: whatever gathers while the step is under way goes into its next run, together. At low load an item hardly waits and is a batch
/// of its own; at high load the cost of a run is shared by ever more items. No timer, no fixed delay, never two runs at once.
/// </summary>
/// <remarks>
/// The drain runs on the thread pool, each run after a <see cref="Lull"/>: what others are about to post goes with it. Where less waits
/// than one of the last four runs had, it gives way to all other work for as long as more comes, and 50 µs longer.
/// Thread-safe. An idle batcher holds no task, no timer, no thread and two lists of at most 64 places.
/// </remarks>
/// <typeparam name="T">The item.</typeparam>
public sealed class Batcher<T> : IThreadPoolWorkItem
{
    private const int PlacesKept = 64;
    private const int RunsRemembered = 4;

    /// <summary>How long a run waits for the next of those who were in the last ones: what a client needs to take in a room's answers and to send its own.</summary>
    internal static readonly TimeSpan Patience = TimeSpan.FromMicroseconds(50);

    private readonly Lock _gate = new();
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Func<IReadOnlyList<T>, Task> _drain;
    private readonly TimeProvider _time;
    private readonly Background _forMore;
    private readonly int _capacity;
    private List<T> _waiting = [];
    private List<T> _spare = [];
    private int _expected;
    private int _smallerRuns;
    private int _seen;
    private long _seenAt;
    private bool _draining;
    private bool _closed;

    /// <summary>Makes an idle batcher.</summary>
    /// <param name="capacity">Items that may wait while a drain is under way; those in the drain do not count. At least 1.</param>
    /// <param name="drain">
    /// The slow step. Gets what gathered, in the order of posting, 1 to <paramref name="capacity"/> items. The list is used again: it is the
    /// step's until its task ends, not longer. It must see to its failures itself: where it throws, the next batch follows and nobody is told.
    /// </param>
    /// <param name="time">Tells how long a run has waited for more; the system's where there is none.</param>
    public Batcher(int capacity, Func<IReadOnlyList<T>, Task> drain, TimeProvider? time = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        ArgumentNullException.ThrowIfNull(drain);
        (_capacity, _drain, _time) = (capacity, drain, time ?? TimeProvider.System);
        _forMore = new Background(RunUnlessMoreIsLikely);
    }

    /// <summary>
    /// Accepts an item, or refuses it; never blocks, never throws.
    /// </summary>
    /// <returns>False when as many items wait as may, or the batcher was closed: the item will not be drained.</returns>
    public bool TryPost(T item)
    {
        lock (_gate)
        {
            if (_closed || _waiting.Count >= _capacity) return false;
            _waiting.Add(item);
            if (_draining) return true;
            _draining = true;
        }
        Lull.ForBatches.Post(this);
        return true;
    }

    /// <summary>Accepts no more; what waits is drained. Calling it again changes nothing.</summary>
    /// <returns>Ends when all that was accepted has been drained. Never fails.</returns>
    public Task CompleteAsync()
    {
        bool done;
        lock (_gate)
        {
            _closed = true;
            done = !_draining;
        }
        if (done) _completion.TrySetResult();
        return _completion.Task;
    }

    void IThreadPoolWorkItem.Execute() => RunUnlessMoreIsLikely();

    private void RunUnlessMoreIsLikely()
    {
        if (IsMoreLikely())
        {
            Thread.Yield(); // To who brings it.
            _forMore.Post();
        }
        else
        {
            _ = RunAsync();
        }
    }

    /// <summary>Who was in one of the last runs is likely to be in the next: where fewer wait they are given a moment, and each that comes gives the others another.</summary>
    private bool IsMoreLikely()
    {
        lock (_gate)
        {
            if (_waiting.Count >= _expected)
                return false;
            if (_waiting.Count == _seen)
                return _time.GetElapsedTime(_seenAt) < Patience;
            (_seen, _seenAt) = (_waiting.Count, _time.GetTimestamp());
            return true;
        }
    }

    private async Task RunAsync()
    {
        var batch = TakeWaiting();
        try
        {
            await _drain(batch);
        }
        catch
        {
            // The next batch follows all the same.
        }
        batch.Clear();
        if (GoesOn())
            Lull.ForBatches.Post(this);
    }

    private List<T> TakeWaiting()
    {
        lock (_gate)
        {
            // The last batch, empty again. What a burst made it grow to goes when the burst is over.
            if (_spare.Capacity > PlacesKept && _spare.Capacity / 4 > _waiting.Count) _spare = [];
            (_waiting, _spare) = (_spare, _waiting);
            Expect(_spare.Count);
            _seen = 0;
            return _spare;
        }
    }

    /// <returns>False: nothing waits.</returns>
    private bool GoesOn()
    {
        bool done;
        lock (_gate)
        {
            if (_waiting.Count > 0) return true;
            if (_waiting.Capacity > PlacesKept) _waiting = [];
            if (_spare.Capacity > PlacesKept) _spare = [];
            _draining = false;
            done = _closed;
        }
        if (done) _completion.TrySetResult();
        return false;
    }

    /// <summary>Expects as many as the largest of the last runs had: who was late once is waited for again, or two groups that answer in turn would stay two.</summary>
    private void Expect(int count)
    {
        if (count >= _expected || ++_smallerRuns == RunsRemembered)
            (_expected, _smallerRuns) = (count, 0);
    }
}
