namespace OrleansChat.Streaming;

/// <summary>
/// Work of the thread pool that gives way to all other: it begins when nothing else is ready, goes on in small steps, and asks before each whether somebody came.
/// How long it lets others go first is its own affair. To a <see cref="Lull"/> it is not ready work, or each would wait for the other.
/// </summary>
/// <param name="goOn">Goes on, on a thread of the pool, when all that was ready at the time of <see cref="Post"/> has had its turn. It has to ask anew whether it should.</param>
public sealed class Background(Action goOn) : IThreadPoolWorkItem
{
    private static int _queued;

    /// <summary>
    /// Whether nothing else is ready in the pool; others that give way are: they take turns. The processor is offered to other threads first: to the one that
    /// hands over what has arrived at the sockets, above all, which does not get to it on a busy machine.
    /// </summary>
    public static bool HasItsTurn()
    {
        Thread.Yield();
        return ThreadPool.PendingWorkItemCount == 0;
    }

    /// <summary>Whether nothing is ready in the pool but what gives way.</summary>
    internal static bool IsPoolQuiet => ThreadPool.PendingWorkItemCount <= Volatile.Read(ref _queued);

    /// <summary>Has it go on behind all that is ready now. Once is enough until it does. No execution context flows.</summary>
    public void Post()
    {
        Interlocked.Increment(ref _queued);
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    void IThreadPoolWorkItem.Execute()
    {
        Interlocked.Decrement(ref _queued);
        goOn();
    }
}
