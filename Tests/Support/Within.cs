namespace OrleansChat.Tests.Support;

/// <summary>Waits that say what did not happen.</summary>
internal static class Within
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    /// <summary>Waits for a task, 60 s at most: as long as a machine that is busy with other things may take.</summary>
    /// <param name="task">What to wait for.</param>
    /// <param name="what">A sentence of what should have happened: "the server starts".</param>
    /// <exception cref="TimeoutException">It did not.</exception>
    public static async Task Soon(this Task task, string what)
    {
        try
        {
            await task.WaitAsync(Limit, TestContext.Current.CancellationToken);
        }
        catch (TimeoutException exception) when (!task.IsCompleted)
        {
            throw new TimeoutException($"Did not happen within {Limit.TotalSeconds} s: {what}.", exception);
        }
    }

    /// <inheritdoc cref="Soon(Task, string)"/>
    public static async Task<T> Soon<T>(this Task<T> task, string what)
    {
        await ((Task)task).Soon(what);
        return await task;
    }

    /// <summary>Waits for something that tells nobody when it comes true.</summary>
    /// <inheritdoc cref="Soon(Task, string)"/>
    public static async Task Soon(this Func<bool> condition, string what)
    {
        var since = TimeProvider.System.GetTimestamp();
        while (!condition())
        {
            if (TimeProvider.System.GetElapsedTime(since) > Limit)
                throw new TimeoutException($"Did not happen within {Limit.TotalSeconds} s: {what}.");
            await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System, TestContext.Current.CancellationToken);
        }
    }
}
