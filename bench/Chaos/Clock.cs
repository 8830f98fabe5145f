namespace OrleansChat.Chaos;

/// <summary>The run's own time: how long it has been going.</summary>
internal sealed class Clock(TimeProvider time)
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(50);

    private readonly long _start = time.GetTimestamp();

    /// <summary>Since the run began.</summary>
    public TimeSpan Now => time.GetElapsedTime(_start);

    public long UnixMilliseconds => time.GetUtcNow().ToUnixTimeMilliseconds();

    public Task Delay(TimeSpan span, CancellationToken cancellation) => Task.Delay(span > TimeSpan.Zero ? span : TimeSpan.Zero, time, cancellation);

    /// <summary>Looks until something is so.</summary>
    /// <returns>False: it was not within the limit.</returns>
    public async Task<bool> UntilAsync(Func<bool> isSo, TimeSpan limit, CancellationToken cancellation)
    {
        for (var end = Now + limit; !isSo();)
        {
            if (Now > end)
                return false;
            await Delay(Look, cancellation);
        }

        return true;
    }

    /// <summary>Looks, by asking someone, until something is so.</summary>
    /// <inheritdoc cref="UntilAsync(Func{bool}, TimeSpan, CancellationToken)" path="/returns"/>
    public async Task<bool> UntilAsync(Func<Task<bool>> isSo, TimeSpan limit, CancellationToken cancellation)
    {
        for (var end = Now + limit; !await isSo();)
        {
            if (Now > end)
                return false;
            await Delay(Look, cancellation);
        }

        return true;
    }
}
