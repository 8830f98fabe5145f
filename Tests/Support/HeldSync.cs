using OrleansChat.Grains.Interfaces;

namespace OrleansChat.Tests.Support;

/// <summary>A disk that syncs at once, or when the test lets it.</summary>
internal sealed class HeldSync : IStoreSync
{
    private readonly Lock _gate = new();
    private TaskCompletionSource? _held;
    private TaskCompletionSource _asked = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public bool IsNeeded => true;

    /// <summary>What the disk says to who asks from now on and is not held.</summary>
    public Exception? Refusal { get; set; }

    /// <summary>Ends when somebody asks for a sync, from the last <see cref="Hold"/> on.</summary>
    public Task Asked => _asked.Task;

    public Task SyncAsync()
    {
        lock (_gate)
        {
            _asked.TrySetResult();
            return _held?.Task ?? (Refusal is null ? Task.CompletedTask : Task.FromException(Refusal));
        }
    }

    /// <summary>From now on who asks waits.</summary>
    public void Hold()
    {
        lock (_gate)
            (_held, _asked) = (new(TaskCreationOptions.RunContinuationsAsynchronously), new(TaskCreationOptions.RunContinuationsAsynchronously));
    }

    /// <summary>Who waits goes on, with the <see cref="Refusal"/> if there is one, and who asks later does not wait.</summary>
    public void Release()
    {
        lock (_gate)
        {
            if (Refusal is null)
                _held?.SetResult();
            else
                _held?.SetException(Refusal);
            _held = null;
        }
    }
}
