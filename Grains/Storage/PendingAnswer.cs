namespace OrleansChat.Grains.Storage;

/// <summary>What a caller waits for: until somebody has it, or to the caller's deadline, whichever comes first.</summary>
internal sealed class PendingAnswer<T>
{
    private readonly TaskCompletionSource<T> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenRegistration _deadline;

    /// <param name="deadline">Cancels <see cref="Task"/>.</param>
    public PendingAnswer(CancellationToken deadline) =>
        _deadline = deadline.UnsafeRegister(static (answer, token) => ((TaskCompletionSource<T>)answer!).TrySetCanceled(token), _answer);

    /// <summary>The caller's.</summary>
    public Task<T> Task => _answer.Task;

    /// <summary>Here it is.</summary>
    public void Succeed(T answer)
    {
        _deadline.Unregister();
        _answer.TrySetResult(answer);
    }

    /// <summary>There will be none.</summary>
    public void Fail(Exception exception)
    {
        _deadline.Unregister();
        _answer.TrySetException(exception);
    }
}
