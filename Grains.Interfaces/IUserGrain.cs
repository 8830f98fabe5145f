namespace OrleansChat.Grains.Interfaces;

/// <summary>One user; its key is the user id (1–128 characters). It knows the user's sessions over all fronts, each by its front's lease.</summary>
[Alias("chat.user")]
public interface IUserGrain : IGrainWithStringKey
{
    /// <summary>The user's open connections, the oldest first. After this grain moved it is complete within one lease renewal (15 s).</summary>
    [Alias("sessions")]
    Task<UserSession[]> Sessions();

    /// <summary>Delivers a <c>broadcast</c> frame to all of the user's connections. Not stored: who is away does not get it.</summary>
    /// <param name="from">The sender's user id, as the frame names it.</param>
    /// <param name="message">1–<c>Chat:MessageChars</c> UTF-16 code units.</param>
    [Alias("send")]
    Task Send(string from, string message);

    /// <summary>Closes the user's connections with 4403.</summary>
    /// <param name="clientId">Only this one; null: all.</param>
    /// <param name="reason">A text for the user, at most 100 characters; null: none.</param>
    /// <returns>How many connections were known to be meant.</returns>
    [Alias("disconnect")]
    Task<int> Disconnect(string? clientId, string? reason);

    /// <summary>Counts a room that the user is about to bring into being.</summary>
    /// <exception cref="ChatException"><see cref="ChatError.RateLimited"/>: <c>Chat:NewRoomsPerMinute</c> are used up.</exception>
    [Alias("admit-new-room")]
    Task AdmitNewRoom();

    /// <summary>A front says which sessions of the user it holds, all of them, and that it is alive. None: the lease ends.</summary>
    [Alias("renew")]
    Task<UserLease> Renew(UserRenewal renewal);
}

/// <summary>One connection of a user: what the tutorial kept in Redis as <c>session:{clientId}</c>.</summary>
/// <param name="ClientId">Names the connection, over all fronts.</param>
/// <param name="Front">The front that holds it.</param>
/// <param name="ConnectedAt">Unix milliseconds.</param>
[GenerateSerializer, Immutable, Alias("chat.user-session")]
public sealed record UserSession(
    [property: Id(0)] string ClientId,
    [property: Id(1)] string Front,
    [property: Id(2)] long ConnectedAt);

/// <summary>A front's claim to a user.</summary>
/// <param name="Front">The front's id.</param>
/// <param name="Version">Rises with every call of this front; what is older than what the grain has is ignored.</param>
/// <param name="Lease">How long the claim holds without another renewal.</param>
/// <param name="Sessions">All of the user's sessions on this front.</param>
[GenerateSerializer, Immutable, Alias("chat.user-renewal")]
public sealed record UserRenewal(
    [property: Id(0)] string Front,
    [property: Id(1)] long Version,
    [property: Id(2)] TimeSpan Lease,
    [property: Id(3)] UserSession[] Sessions);

/// <summary>What a user grain answers to a renewal.</summary>
/// <param name="Refused">The client ids that would exceed <c>Chat:ConnectionsPerUser</c>: a session that is new among them is not admitted.</param>
[GenerateSerializer, Immutable, Alias("chat.user-lease")]
public sealed record UserLease([property: Id(0)] string[] Refused);
