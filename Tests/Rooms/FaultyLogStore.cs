using OrleansChat.Grains.Logs;

namespace OrleansChat.Tests.Rooms;

/// <summary>Holds every call until the test says what becomes of it: done and answered, done and the answer lost, or not done at all.</summary>
internal sealed class FaultyLogStore(ILogStore store) : ILogStore
{
    private readonly List<StoreCall> _underWay = [];

    /// <summary>Calls of which nobody has said yet what becomes of them, in the order they came; those whose caller no longer waits, too.</summary>
    public IReadOnlyList<StoreCall> UnderWay => _underWay;

    /// <summary>The names of all calls so far.</summary>
    public List<string> Made { get; } = [];

    public Task<LogHeader?> OpenAsync(string room, bool create, CancellationToken cancellation) =>
        Hold("open", () => store.OpenAsync(room, create, CancellationToken.None), cancellation);

    public Task<bool> AppendAsync(string room, LogPosition expected, LogBatch batch, CancellationToken cancellation) =>
        Hold("append", () => store.AppendAsync(room, expected, batch, CancellationToken.None), cancellation);

    public Task<IReadOnlyList<LogBatch>> ReadAsync(string room, long from, long to, CancellationToken cancellation) =>
        Hold("read", () => store.ReadAsync(room, from, to, CancellationToken.None), cancellation);

    public Task<bool> TrimAsync(string room, LogHeader expected, long first, long bytes, CancellationToken cancellation) =>
        Hold("trim", () => store.TrimAsync(room, expected, first, bytes, CancellationToken.None), cancellation);

    public Task<bool> ResetAsync(string room, LogPosition expected, CancellationToken cancellation) =>
        Hold("reset", () => store.ResetAsync(room, expected, CancellationToken.None), cancellation);

    public Task<bool> AddFrontAsync(string room, string epoch, string front, CancellationToken cancellation) =>
        Hold("add front", () => store.AddFrontAsync(room, epoch, front, CancellationToken.None), cancellation);

    public Task<bool> RemoveFrontAsync(string room, string epoch, string front, CancellationToken cancellation) =>
        Hold("remove front", () => store.RemoveFrontAsync(room, epoch, front, CancellationToken.None), cancellation);

    private Task<T> Hold<T>(string name, Func<Task<T>> call, CancellationToken deadline)
    {
        if (deadline.IsCancellationRequested)
            return Task.FromCanceled<T>(deadline);
        var held = new StoreCall<T>(name, call, ended => _underWay.Remove(ended), deadline);
        Made.Add(name);
        _underWay.Add(held);
        return held.Answer;
    }
}

/// <summary>A call that the store has not answered yet.</summary>
internal abstract class StoreCall(string name)
{
    public string Name => name;

    /// <summary>Whether the caller's deadline has passed. The call may be done all the same.</summary>
    public abstract bool IsAbandoned { get; }

    /// <summary>Does it, and keeps the answer back.</summary>
    public abstract Task DoAsync();

    /// <summary>Does it, if it is not done yet, and answers.</summary>
    public abstract Task FinishAsync();

    /// <summary>Does it; the caller gets an exception instead of the answer.</summary>
    public abstract Task LoseAnswerAsync();

    /// <summary>Does not do it; the caller gets an exception.</summary>
    public abstract void Fail();
}

/// <inheritdoc cref="StoreCall"/>
internal sealed class StoreCall<T> : StoreCall
{
    private readonly TaskCompletionSource<T> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Func<Task<T>> _call;
    private readonly Action<StoreCall> _ended;
    private Task<T>? _done;

    public StoreCall(string name, Func<Task<T>> call, Action<StoreCall> ended, CancellationToken deadline)
        : base(name)
    {
        (_call, _ended) = (call, ended);
        deadline.UnsafeRegister(static (answer, token) => ((TaskCompletionSource<T>)answer!).TrySetCanceled(token), _answer);
    }

    public Task<T> Answer => _answer.Task;

    public override bool IsAbandoned => _answer.Task.IsCompleted;

    public override Task DoAsync() => _done ??= _call();

    public override async Task FinishAsync()
    {
        _ended(this);
        var result = await (_done ??= _call());
        _answer.TrySetResult(result);
    }

    public override async Task LoseAnswerAsync()
    {
        _ended(this);
        await DoAsync();
        _answer.TrySetException(new IOException($"The answer to '{Name}' was lost."));
    }

    public override void Fail()
    {
        _ended(this);
        _answer.TrySetException(new IOException($"'{Name}' did not reach the store."));
    }
}
