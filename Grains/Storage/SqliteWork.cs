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
internal sealed class SqliteWork<TState, T>(TState state, Func<TState, SqliteSession, T> run, CancellationToken cancellation) : SqliteWork
{
    private readonly PendingAnswer<T> _answer = new(cancellation);
    private T _result = default!;

    /// <summary>Ends with the result, with what the work threw, or cancelled at the caller's deadline: whichever comes first.</summary>
    public Task<T> Done => _answer.Task;

    public override bool Abandoned => Done.IsCompleted;

    public override void Run(SqliteSession session) => _result = run(state, session);

    public override void Succeed() => _answer.Succeed(_result);

    public override void Fail(Exception exception) => _answer.Fail(exception);
}
