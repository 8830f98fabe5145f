namespace OrleansChat.Grains.Interfaces;

/// <summary>
/// One room; its key is the room's name (<see cref="RoomName"/>). It holds the order of what is said, and who is there.
/// Every method may throw <see cref="ChatException"/> with <see cref="ChatError.Unavailable"/> when the log's store does not answer
/// within 3 s, and Orleans' own <see cref="TimeoutException"/> when the silo does not.
/// </summary>
[Alias("chat.room")]
public interface IRoomGrain : IGrainWithStringKey
{
    /// <summary>A service's way to say something in a room without being in it.</summary>
    /// <returns>The entry's place in the log, once it is stored.</returns>
    /// <exception cref="ChatException">
    /// <see cref="ChatError.NotFound"/>: nobody ever joined the room. <see cref="ChatError.InvalidPayload"/>, <see cref="ChatError.MessageTooLong"/>.
    /// <see cref="ChatError.IdConflict"/>: the user gave this id to another text. <see cref="ChatError.Unavailable"/>: the outcome is not known;
    /// repeat it with the same <see cref="PublishRequest.Id"/>, and it cannot be stored twice.
    /// </exception>
    [Alias("publish")]
    Task<PublishAnswer> Publish(PublishRequest request);

    /// <summary>A front's way: all that its sessions said in this room while the call before was under way.</summary>
    /// <param name="requests">1–1,000 of them, in their order, which is kept. Not to be changed any more: within a process the grain gets this very array.</param>
    /// <returns>One answer each, in the same order. A refusal of one does not touch the others.</returns>
    [Alias("publish-batch")]
    Task<PublishAnswer[]> PublishBatch([Immutable] PublishRequest[] requests);

    /// <summary>Reads the log forward.</summary>
    /// <param name="from">The first seq wanted, 1 or more; where it is no longer kept, the page begins later.</param>
    /// <param name="limit">1–1,000 entries.</param>
    /// <exception cref="ChatException"><see cref="ChatError.NotFound"/>: nobody ever joined the room.</exception>
    [Alias("read")]
    Task<LogPage> Read(long from, int limit);

    /// <summary>Reads the last entries before a seq.</summary>
    /// <param name="before">Exclusive; <see cref="long.MaxValue"/> for the newest.</param>
    /// <param name="limit">1–1,000 entries, given in ascending order.</param>
    /// <exception cref="ChatException"><see cref="ChatError.NotFound"/>: nobody ever joined the room.</exception>
    [Alias("read-before")]
    Task<LogPage> ReadBefore(long before, int limit);

    /// <summary>The users in the room, by user id in ordinal order.</summary>
    /// <param name="after">Where to go on: a user id, exclusive; null for the beginning.</param>
    /// <param name="limit">1–1,000 users.</param>
    /// <exception cref="ChatException"><see cref="ChatError.NotFound"/>: nobody ever joined the room.</exception>
    [Alias("members")]
    Task<MemberPage> Members(string? after, int limit);

    /// <summary>A user types, or has stopped: told to the fronts at most once a second, never stored.</summary>
    [Alias("type")]
    Task Type(string userId, string username, bool isTyping);

    /// <summary>A front says which of its users are in the room, and that it is alive. Joins, leaves and renewals are all this call.</summary>
    /// <remarks>
    /// A front has one such call under way at a time, with a rising version. The grain ignores what is older than what it has, and
    /// asks for everything where it does not hold the version that the front builds on: after a move, a lost answer, a lease that ended.
    /// A renewal that leaves no user ends the lease.
    /// </remarks>
    [Alias("renew")]
    Task<RoomLease> Renew(RoomRenewal renewal);
}

/// <summary>What a user says.</summary>
/// <param name="UserId">1–128 characters.</param>
/// <param name="Username">1–128 characters.</param>
/// <param name="Text">1–<c>Chat:MessageChars</c> UTF-16 code units.</param>
/// <param name="Id">The idempotency key, 1–64 characters, unique per user; null: a repeat is a second message.</param>
[GenerateSerializer, Immutable, SuppressReferenceTracking, Alias("chat.publish-request")]
public sealed record PublishRequest(
    [property: Id(0)] string UserId,
    [property: Id(1)] string Username,
    [property: Id(2)] string Text,
    [property: Id(3)] string? Id);

/// <summary>What became of a <see cref="PublishRequest"/>.</summary>
/// <param name="Error">Null: it is in the log.</param>
/// <param name="Epoch">The log's epoch.</param>
/// <param name="Seq">Its place in the log.</param>
/// <param name="Timestamp">Unix milliseconds.</param>
/// <param name="Duplicate">It had been stored before; nothing was delivered twice.</param>
[GenerateSerializer, Immutable, Alias("chat.publish-answer")]
public readonly record struct PublishAnswer(
    [property: Id(0)] ChatError? Error,
    [property: Id(1)] string Epoch,
    [property: Id(2)] long Seq,
    [property: Id(3)] long Timestamp,
    [property: Id(4)] bool Duplicate)
{
    /// <summary>A refusal.</summary>
    public static PublishAnswer Refused(ChatError error) => new(error, "", 0, 0, Duplicate: false);
}

/// <summary>A page of members.</summary>
/// <param name="Count">All users in the room, not only those of this page.</param>
/// <param name="Users">By user id, ordinal.</param>
/// <param name="More">Whether others follow.</param>
[GenerateSerializer, Immutable, Alias("chat.member-page")]
public sealed record MemberPage(
    [property: Id(0)] int Count,
    [property: Id(1)] Member[] Users,
    [property: Id(2)] bool More);

/// <summary>A user in a room.</summary>
/// <param name="UserId">Whose.</param>
/// <param name="Username">The name that the user's latest connection brought.</param>
/// <param name="Connections">How many of the user's connections are in the room, over all fronts.</param>
[GenerateSerializer, Immutable, Alias("chat.member")]
public sealed record Member(
    [property: Id(0)] string UserId,
    [property: Id(1)] string Username,
    [property: Id(2)] int Connections);
