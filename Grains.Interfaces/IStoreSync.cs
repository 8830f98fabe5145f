namespace OrleansChat.Grains.Interfaces;

/// <summary>
/// The store beneath the grains of this process, where what it has taken survives the process at once, and a power cut only after it was synced to the disk
/// (<c>Chat:DataSync</c>). A store that is elsewhere, as Redis is, answers when it is done: <see cref="NoStoreSync"/>.
/// </summary>
public interface IStoreSync
{
    /// <summary>False: it is not to be synced (<c>Chat:DataSync</c> = <c>normal</c>, <c>Chat:DataPath</c> = <c>:memory:</c>), and nobody has to wait.</summary>
    bool IsNeeded { get; }

    /// <summary>Ends when all that was stored before this call is on the disk. All who ask while a sync is under way share the next. It costs as much for one message as for a thousand.</summary>
    /// <returns>
    /// Fails after <see cref="Deadlines.Sync"/> with <see cref="TimeoutException"/>: the disk does not answer, and it may be asked again. Fails with <see cref="IOException"/> for good when
    /// the disk refused.
    /// </returns>
    Task SyncAsync();
}

/// <summary>The store has done its part when it answers.</summary>
public sealed class NoStoreSync : IStoreSync
{
    /// <inheritdoc/>
    public bool IsNeeded => false;

    /// <inheritdoc/>
    public Task SyncAsync() => Task.CompletedTask;
}
