namespace OrleansChat.Grains.Interfaces;

/// <summary>A front's claim to a room.</summary>
/// <param name="Front">The front's id, new for each process.</param>
/// <param name="Version">Rises with every call of this front.</param>
/// <param name="Base">The version of the last answered renewal of this room, on which <paramref name="Changes"/> build; 0 when there is none.</param>
/// <param name="Lease">How long the claim holds without another renewal: more than 0, at most one hour.</param>
/// <param name="Create">Whether a room that nobody ever joined comes into being.</param>
/// <param name="Full">Whether <paramref name="Changes"/> are all the users of this front, and not only what changed.</param>
/// <param name="Changes">One per user.</param>
/// <param name="Epoch">The epoch the front last heard of; empty when none.</param>
/// <param name="LastSeq">The last seq the front delivered in that epoch. Above the head it is the proof that the log fell back to an older state.</param>
[GenerateSerializer, Immutable, Alias("chat.room-renewal")]
public sealed record RoomRenewal(
    [property: Id(0)] string Front,
    [property: Id(1)] long Version,
    [property: Id(2)] long Base,
    [property: Id(3)] TimeSpan Lease,
    [property: Id(4)] bool Create,
    [property: Id(5)] bool Full,
    [property: Id(6)] MemberChange[] Changes,
    [property: Id(7)] string Epoch,
    [property: Id(8)] long LastSeq);

/// <summary>What a front says of one user in a room.</summary>
/// <param name="UserId">Whose.</param>
/// <param name="Username">The name that the user's latest connection brought.</param>
/// <param name="Connections">How many of the user's connections on this front are in the room now; 0: none any more.</param>
/// <param name="IsNew">Not yet answered for: worth telling the others. What only comes back after a move of the grain makes no events.</param>
[GenerateSerializer, Immutable, Alias("chat.member-change")]
public sealed record MemberChange(
    [property: Id(0)] string UserId,
    [property: Id(1)] string Username,
    [property: Id(2)] int Connections,
    [property: Id(3)] bool IsNew);

/// <summary>What a room answers to a renewal.</summary>
/// <param name="Outcome">Whether the changes were taken.</param>
/// <param name="Epoch">The log's epoch; empty with <see cref="LeaseOutcome.NotFound"/>.</param>
/// <param name="Head">The newest seq. From the first granted renewal on, every later entry comes through the feed.</param>
/// <param name="Members">Users in the room, over all fronts.</param>
/// <param name="Refused">The user ids for which the room was full.</param>
/// <param name="Revision">Of the room's members: what a feed brings of an earlier one is old news to who joins with this answer.</param>
[GenerateSerializer, Immutable, Alias("chat.room-lease")]
public sealed record RoomLease(
    [property: Id(0)] LeaseOutcome Outcome,
    [property: Id(1)] string Epoch,
    [property: Id(2)] long Head,
    [property: Id(3)] int Members,
    [property: Id(4)] string[] Refused,
    [property: Id(5)] long Revision);

/// <summary>What became of a renewal.</summary>
[GenerateSerializer, Alias("chat.lease-outcome")]
public enum LeaseOutcome
{
    /// <summary>The changes were taken and the lease runs.</summary>
    Granted = 1,

    /// <summary>The grain does not hold the version that the changes build on: send everything.</summary>
    Resend = 2,

    /// <summary>A newer renewal was here before; this one was ignored.</summary>
    Stale = 3,

    /// <summary>Nobody ever joined the room, and it was not to be created.</summary>
    NotFound = 4,
}
