using System.Diagnostics.CodeAnalysis;

namespace OrleansChat.Grains.Interfaces;

/// <summary>
/// The rooms whose grains are active in this process and were published to by a call. What a front says in one of them gets to the grain, in the grain's turns, without being a message of Orleans: on a
/// room's only message that costs more than the room's own work (decision 0031). Where there is no silo in the process: <see cref="NoActiveRooms"/>.
/// </summary>
public interface IActiveRooms
{
    /// <summary>
    /// As <see cref="IRoomGrain.PublishBatch"/>, answered sooner: what is in the log survives the process, and a power cut only when <see cref="IStoreSync"/> has synced it after
    /// the answer. For who waits for that before anything is acknowledged; meanwhile the next batch can be under way.
    /// </summary>
    /// <param name="room">The room's name.</param>
    /// <param name="requests">As <see cref="IRoomGrain.PublishBatch"/> takes them.</param>
    /// <param name="answers">One answer each. It does not fail, and has no time limit.</param>
    /// <returns>False: the room is not active here, or nobody published to this activation yet, and nothing was done. <see cref="IRoomGrain.PublishBatch"/> finds it, and the next may come this way.</returns>
    bool TryPublish(string room, PublishRequest[] requests, [NotNullWhen(true)] out Task<PublishAnswer[]>? answers);
}

/// <summary>All rooms are elsewhere.</summary>
public sealed class NoActiveRooms : IActiveRooms
{
    /// <inheritdoc/>
    public bool TryPublish(string room, PublishRequest[] requests, [NotNullWhen(true)] out Task<PublishAnswer[]>? answers)
    {
        answers = null;
        return false;
    }
}
