namespace OrleansChat.Grains.Storage;

/// <summary>Something a caller waits for that one of the file's threads does.</summary>
internal abstract class SqliteWork
{
    /// <summary>Whether nobody waits any more.</summary>
    public abstract bool Abandoned { get; }

    /// <summary>Does it and keeps the result. May be called again after the transaction it ran in was rolled back.</summary>
    public abstract void Run(SqliteSession session);

    /// <summary>Hands the result to the caller.</summary>
    public abstract void Succeed();

    /// <summary>Hands an exception to the caller.</summary>
    public abstract void Fail(Exception exception);
}

/// <inheritdoc cref="SqliteWork"/>
internal sealed class SqliteWork<TState, T> : SqliteWork
{
    private readonly TState _state;
    private readonly Func<TState, SqliteSession, T> _run;
    private readonly TaskCompletionSource<T> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenRegistration _deadline;
    private T _result = default!;

    public SqliteWork(TState state, Func<TState, SqliteSession, T> run, CancellationToken cancellation)
    {
        (_state, _run) = (state, run);
        _deadline = cancellation.UnsafeRegister(
            static (done, token) => ((TaskCompletionSource<T>)done!).TrySetCanceled(token), _done);
    }

    /// <summary>Ends with the result, with what the work threw, or cancelled at the caller's deadline: whichever comes first.</summary>
    public Task<T> Done => _done.Task;

    public override bool Abandoned => _done.Task.IsCompleted;

    public override void Run(SqliteSession session) => _result = _run(_state, session);

    public override void Succeed()
    {
        _deadline.Unregister();
        _done.TrySetResult(_result);
    }

    public override void Fail(Exception exception)
    {
        _deadline.Unregister();
        _done.TrySetException(exception);
    }
}
