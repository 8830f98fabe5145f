namespace OrleansChat.WebFront.Sockets;

/// <summary>A token bucket: so many at once, so many a second. A rate or burst of 0 is no limit. Not thread-safe: one per receive loop.</summary>
internal struct TokenBucket(int perSecond, int burst, TimeProvider time)
{
    private double _tokens = burst;
    private long _filledAt = time.GetTimestamp();

    /// <summary>Takes a token.</summary>
    /// <param name="retryAfter">When there will be one; 1 ms or more.</param>
    public bool TryTake(out TimeSpan retryAfter)
    {
        retryAfter = default;
        if (perSecond == 0 || burst == 0)
            return true;
        var now = time.GetTimestamp();
        _tokens = Math.Min(burst, _tokens + (time.GetElapsedTime(_filledAt, now).TotalSeconds * perSecond));
        _filledAt = now;
        if (_tokens >= 1)
        {
            _tokens--;
            return true;
        }

        retryAfter = TimeSpan.FromMilliseconds(Math.Max(1, Math.Ceiling((1 - _tokens) / perSecond * 1_000)));
        return false;
    }
}
