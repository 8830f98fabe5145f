using System.Collections.Concurrent;

namespace OrleansChat.Tests.Rooms;

/// <summary>Runs turns one after the other on the test's thread, as an activation's scheduler does: nothing goes on unless the test lets it.</summary>
internal sealed class Turns : TaskScheduler
{
    private readonly ConcurrentQueue<Task> _waiting = new();
    private volatile TaskCompletionSource _due = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Ends when a turn is due.</summary>
    public Task Due => _due.Task;

    /// <summary>Begins something that goes on turn by turn, and runs it up to where it first waits.</summary>
    public Task<T> Begin<T>(Func<Task<T>> first)
    {
        Task<T>? begun = null;
        _ = Task.Factory.StartNew(() => begun = first(), CancellationToken.None, TaskCreationOptions.DenyChildAttach, this);
        Run();
        return begun!;
    }

    /// <summary>Runs every turn that is due, and those that these make due.</summary>
    public void Run()
    {
        // A context would be asked before the scheduler is.
        var context = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        _due = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        try
        {
            while (_waiting.TryDequeue(out var turn))
                TryExecuteTask(turn);
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(context);
        }
    }

    protected override void QueueTask(Task task)
    {
        _waiting.Enqueue(task);
        _due.TrySetResult();
    }

    protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) => false;

    protected override IEnumerable<Task> GetScheduledTasks() => _waiting;
}
