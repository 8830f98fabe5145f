namespace OrleansChat.Grains.Logs;

/// <summary>An append that waits for others to be written with.</summary>
internal sealed class PendingAppend
{
    private readonly TaskCompletionSource<bool> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenRegistration _deadline;

    public PendingAppend(JournalBatch batch, CancellationToken cancellation)
    {
        (Batch, Cancellation) = (batch, cancellation);
        _deadline = cancellation.UnsafeRegister(static (done, token) => ((TaskCompletionSource<bool>)done!).TrySetCanceled(token), _done);
    }

    public JournalBatch Batch { get; }

    public CancellationToken Cancellation { get; }

    /// <summary>Whether it was seen to, or somebody else does.</summary>
    public bool IsAnswered { get; set; }

    /// <summary>Set when it is about to be written.</summary>
    public LogTail? Tail { get; set; }

    /// <summary>Ends when it is known what became of it, or at the deadline, whichever comes first.</summary>
    public Task<bool> Done => _done.Task;

    public void Succeed(bool appended)
    {
        _deadline.Unregister();
        _done.TrySetResult(appended);
    }

    public void Fail(Exception exception)
    {
        _deadline.Unregister();
        _done.TrySetException(exception);
    }

    /// <summary>It is tried in another way, and what becomes of that is told.</summary>
    public async Task FollowAsync(Task<bool> other)
    {
        try
        {
            Succeed(await other);
        }
        catch (Exception e)
        {
            Fail(e);
        }
    }
}
