using OrleansChat.WebFront.Sockets;

namespace OrleansChat.WebFront.Rooms;

/// <summary>A session's place in a room.</summary>
/// <param name="room">The room.</param>
/// <param name="userId">Whose.</param>
/// <param name="outbox">Where its frames go.</param>
internal sealed class Seat(LocalRoom room, string userId, Outbox outbox)
{
    /// <summary>Batches: what answers each other in a room is often split into two or three of them.</summary>
    private const int EagerFor = 4;

    private int _eager;

    public LocalRoom Room => room;

    public string UserId => userId;

    public Outbox Outbox => outbox;

    /// <summary>The revision of the room's members at which it joined: earlier comings and goings are no news to it.</summary>
    public long Revision { get; init; }

    /// <summary>Whether it gets what comes live. <see cref="LocalRoom"/> guards it.</summary>
    public bool IsAttached { get; set; }

    /// <summary>The epoch of the cursor, while the log is read for it.</summary>
    public string Epoch { get; set; } = "";

    /// <summary>The last seq this session has; what comes live with it or below is skipped. <see cref="LocalRoom"/> guards it once the seat is attached.</summary>
    public long Cursor { get; set; }

    /// <summary>Its client said something: what it hears next is written before what others hear, for it is likely to answer.</summary>
    public void OnSpoke() => _eager = EagerFor;

    /// <summary>Another batch goes to the seat.</summary>
    /// <returns>Whether it may wait until those who spoke lately have theirs. <see cref="LocalRoom"/> asks, once a batch.</returns>
    public bool MayWait()
    {
        if (_eager == 0)
            return true;
        _eager--;
        return false;
    }

    /// <summary>Stops the replay that is under way, if one is.</summary>
    public CancellationTokenSource? Replay { get; set; }

    /// <summary>The replay; it does not fail. Who stops it waits for its end, or what it read last would come behind what follows.</summary>
    public Task Replaying { get; set; } = Task.CompletedTask;
}
