using System.Diagnostics.CodeAnalysis;
using OrleansChat.Grains.Interfaces;

namespace OrleansChat.Grains;

/// <summary>The way into a room's activation from its own process. What comes while the grain has its turn, or waits for one, is taken together in the next.</summary>
/// <param name="room">The room's name.</param>
/// <param name="active">Where fronts find it while it is open.</param>
/// <param name="turns">The activation's.</param>
/// <param name="take">Gets the batches in such a turn, in their order.</param>
internal sealed class RoomDoor(string room, ActiveRooms active, IWorkItemScheduler turns, Action<PendingPublish> take)
{
    /// <summary>Batches that may wait for a turn. More are answered <c>unavailable</c>.</summary>
    internal const int Capacity = 4_096;

    private static readonly Action<object> TakeAllWaiting = static door => ((RoomDoor)door).TakeAll();

    private readonly Lock _gate = new();
    private List<PendingPublish> _waiting = [];
    private List<PendingPublish> _taken = [];
    private bool _hasAsked;
    private bool _isOpen;
    private bool _isClosed;

    /// <summary>Opens it, once. Called in a turn, and not while the grain is activated: Orleans calls no <c>OnDeactivateAsync</c> where that is given up, and nobody would close it.</summary>
    public void Open()
    {
        if (_isOpen || _isClosed)
            return;
        _isOpen = true;
        active.Add(room, this);
    }

    /// <summary>It takes no more: who comes from now on finds the next activation. Called in a turn; what has come is taken before this ends.</summary>
    public void Close()
    {
        active.Remove(room, this);
        lock (_gate)
            _isClosed = true;
        TakeAll();
    }

    /// <inheritdoc cref="IActiveRooms.TryPublish"/>
    public bool TryPublish(PublishRequest[] requests, [NotNullWhen(true)] out Task<PublishAnswer[]>? answers)
    {
        var batch = new PendingPublish(requests);
        answers = batch.Answers;
        bool hasAsked;
        lock (_gate)
        {
            if (_isClosed)
                return false;
            if (_waiting.Count == Capacity)
            {
                batch.Refuse(ChatError.Unavailable);
                return true;
            }

            _waiting.Add(batch);
            (hasAsked, _hasAsked) = (_hasAsked, true);
        }

        if (!hasAsked)
            turns.QueueAction(TakeAllWaiting, this);
        return true;
    }

    private void TakeAll()
    {
        lock (_gate)
        {
            (_waiting, _taken) = (_taken, _waiting);
            _hasAsked = false;
        }

        foreach (var batch in _taken)
        {
            try
            {
                take(batch);
            }
            catch (Exception)
            {
                batch.Refuse(ChatError.Unavailable); // Those behind it are taken all the same.
            }
        }

        _taken.Clear();
    }
}
