namespace OrleansChat.Grains.Interfaces;

/// <summary>What grains tell a front through its feed. News, not truth: what is lost here is found again in the log.</summary>
[GenerateSerializer, Immutable, Alias("feed.event")]
public abstract record FeedEvent
{
    private FeedEvent()
    {
    }

    /// <summary>Entries of one append, ascending and without a gap.</summary>
    [GenerateSerializer, Immutable, SuppressReferenceTracking, Alias("feed.published")]
    public sealed record Published([property: Id(0)] string Room, [property: Id(1)] string Epoch, [property: Id(2)] Entry[] Entries) : FeedEvent;

    /// <summary>Users who came or went.</summary>
    [GenerateSerializer, Immutable, Alias("feed.presence")]
    public sealed record Presence([property: Id(0)] string Room, [property: Id(1)] PresenceChange[] Changes) : FeedEvent;

    /// <summary>How many users are in a large room.</summary>
    [GenerateSerializer, Immutable, Alias("feed.occupancy")]
    public sealed record Occupancy([property: Id(0)] string Room, [property: Id(1)] int Members) : FeedEvent;

    /// <summary>A user types, or has stopped.</summary>
    [GenerateSerializer, Immutable, Alias("feed.typing")]
    public sealed record Typing(
        [property: Id(0)] string Room, [property: Id(1)] string UserId, [property: Id(2)] string Username, [property: Id(3)] bool IsTyping) : FeedEvent;

    /// <summary>A room grain that came up anew wants to hear which users this front has there: renew at once.</summary>
    [GenerateSerializer, Immutable, Alias("feed.renew-room")]
    public sealed record RenewRoom([property: Id(0)] string Room) : FeedEvent;

    /// <summary>A user's connections, or one of them, are to be closed with 4403.</summary>
    [GenerateSerializer, Immutable, Alias("feed.disconnect")]
    public sealed record Disconnect([property: Id(0)] string UserId, [property: Id(1)] string? ClientId, [property: Id(2)] string? Reason) : FeedEvent;

    /// <summary>A message to the connections that it names.</summary>
    [GenerateSerializer, Immutable, Alias("feed.broadcast")]
    public sealed record BroadcastSent([property: Id(0)] Broadcast Broadcast, [property: Id(1)] long Timestamp) : FeedEvent;
}

/// <summary>A user's first connection came, or the last one went.</summary>
/// <param name="UserId">Whose.</param>
/// <param name="Username">The user's name.</param>
/// <param name="Joined">Came or went.</param>
/// <param name="Members">Users in the room after it.</param>
/// <param name="Timestamp">Unix milliseconds.</param>
/// <param name="Revision">Rises with every change of the room's members: who joined at <see cref="RoomLease.Revision"/> knows all up to that.</param>
[GenerateSerializer, Immutable, Alias("feed.presence-change")]
public sealed record PresenceChange(
    [property: Id(0)] string UserId,
    [property: Id(1)] string Username,
    [property: Id(2)] bool Joined,
    [property: Id(3)] int Members,
    [property: Id(4)] long Timestamp,
    [property: Id(5)] long Revision);
