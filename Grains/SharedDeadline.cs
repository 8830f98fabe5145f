namespace OrleansChat.Grains;

/// <summary>The deadline of what comes one after the other, and often: one source of cancellation and one timer serve all of it, for as long as none runs out.</summary>
internal sealed class SharedDeadline(TimeSpan patience, TimeProvider time)
{
    private CancellationTokenSource? _source;

    /// <summary>One begins; the one before has ended.</summary>
    public CancellationToken Begin()
    {
        if (_source is null)
            _source = Deadline();
        else
            _source.CancelAfter(patience);
        return _source.Token;
    }

    /// <summary>It has ended, in time or not.</summary>
    public void End()
    {
        if (_source?.TryReset() != false)
            return;
        _source.Dispose();
        _source = null;
    }

    private CancellationTokenSource Deadline() => new(patience, time);
}
