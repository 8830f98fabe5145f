using OrleansChat.WebFront.Sockets;

namespace OrleansChat.WebFront.Rooms;

/// <summary>A session's place in a room.</summary>
/// <param name="room">The room.</param>
/// <param name="userId">Whose.</param>
/// <param name="outbox">Where its frames go.</param>
internal sealed class Seat(LocalRoom room, string userId, Outbox outbox)
{
    public LocalRoom Room => room;

    public string UserId => userId;

    public Outbox Outbox => outbox;

    /// <summary>The revision of the room's members at which it joined: earlier comings and goings are no news to it.</summary>
    public long Revision { get; init; }

    /// <summary>The last seq this session has; what comes live with it or below is skipped. <see cref="LocalRoom"/> guards it once the seat is attached.</summary>
    public long Cursor { get; set; }

    /// <summary>Stops the replay that is under way, if one is.</summary>
    public CancellationTokenSource? Replay { get; set; }
}
