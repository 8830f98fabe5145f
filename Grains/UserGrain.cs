using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using OrleansChat.Grains.Interfaces;

namespace OrleansChat.Grains;

/// <summary>
/// One user's sessions, as each front tells them, for as long as its lease runs. Nothing is stored: an activation that is new hears of all sessions
/// within one renewal, and until then its events go to every live front.
/// </summary>
internal sealed class UserGrain(IOptions<GrainOptions> options, TimeProvider time, ILogger<UserGrain> logger) : Grain, IUserGrain
{
    private static readonly Task<UserLease> Granted = Task.FromResult(new UserLease([]));

    // There is an activation per user, and most users have one connection, make no room and are told nothing: what is rarely needed is made when it is.
    private readonly long _activatedAt = time.GetTimestamp();
    private FrontSessions[] _fronts = [];
    private Queue<long>? _newRooms;
    private FeedWriter? _feeds;
    private TimeSpan _lease = TimeSpan.FromSeconds(45);

    private string UserId => this.GetPrimaryKeyString();

    public Task<UserSession[]> Sessions()
    {
        DropEnded();
        return Task.FromResult(_fronts.SelectMany(front => front.Sessions).OrderBy(session => session.ConnectedAt).ToArray());
    }

    public async Task Send(string from, string message)
    {
        if (message is not { Length: > 0 } || message.Length > options.Value.MessageChars)
            throw new ChatException(ChatError.InvalidPayload, $"message must have 1 to {options.Value.MessageChars} characters");
        var broadcast = new Broadcast(from, message, [UserId], []);
        await TellAsync(new FeedEvent.BroadcastSent(broadcast, time.GetUtcNow().ToUnixTimeMilliseconds()));
    }

    public async Task<int> Disconnect(string? clientId, string? reason)
    {
        if (reason is { Length: > 100 })
            throw new ChatException(ChatError.InvalidPayload, "reason must have at most 100 characters");
        DropEnded();
        var known = _fronts.SelectMany(front => front.Sessions)
            .Count(session => clientId is null || session.ClientId == clientId);
        await TellAsync(new FeedEvent.Disconnect(UserId, clientId, reason));
        return known;
    }

    public Task AdmitNewRoom()
    {
        _newRooms ??= [];
        while (_newRooms.TryPeek(out var oldest) && time.GetElapsedTime(oldest) >= TimeSpan.FromMinutes(1))
            _newRooms.Dequeue();
        if (options.Value.NewRoomsPerMinute is var limit and > 0)
        {
            if (_newRooms.Count >= limit)
            {
                var wait = TimeSpan.FromMinutes(1) - time.GetElapsedTime(_newRooms.Peek());
                throw new ChatException(ChatError.RateLimited, "Too many new rooms: try again later") { RetryAfter = wait };
            }

            _newRooms.Enqueue(time.GetTimestamp());
        }

        return Task.CompletedTask;
    }

    public Task<UserLease> Renew(UserRenewal renewal)
    {
        DropEnded();
        var known = Array.Find(_fronts, front => front.Front == renewal.Front);
        if (renewal.Version <= known?.Version)
            return Granted;

        var elsewhere = _fronts.Sum(front => front == known ? 0 : front.Sessions.Length);
        var (sessions, refused) = Admit(renewal.Sessions, known, places: Math.Max(0, options.Value.ConnectionsPerUser - elsewhere));
        _lease = renewal.Lease;
        _fronts = [.. _fronts.Where(front => front != known)];
        if (sessions.Length == 0)
            _feeds?.Forget(renewal.Front);
        else
            _fronts = [.. _fronts, new FrontSessions(renewal.Front, renewal.Version, time.GetTimestamp(), sessions)];
        return refused.Length == 0 ? Granted : Task.FromResult(new UserLease(refused));
    }

    /// <summary>Those who were here before stay; of the others, the first come.</summary>
    private static (UserSession[] Sessions, string[] Refused) Admit(UserSession[] asked, FrontSessions? known, int places)
    {
        if (asked.Length <= places)
            return (asked, []);
        var admitted = known?.Sessions.Select(session => session.ClientId).ToHashSet(StringComparer.Ordinal) ?? [];
        var sessions = asked.OrderByDescending(session => admitted.Contains(session.ClientId)).ThenBy(session => session.ConnectedAt).ToArray();
        return (sessions[..places], Array.ConvertAll(sessions[places..], session => session.ClientId));
    }

    /// <summary>Tells the fronts that hold sessions; all live ones while some may not have renewed yet.</summary>
    private async Task TellAsync(FeedEvent news)
    {
        DropEnded();
        var fronts = _fronts.Select(front => front.Front).ToHashSet(StringComparer.Ordinal);
        if (time.GetElapsedTime(_activatedAt) < _lease)
        {
            foreach (var front in await GrainFactory.GetGrain<IFrontsGrain>(IFrontsGrain.Key).Live())
                fronts.Add(front.Id);
        }

        _feeds ??= new FeedWriter(this.GetStreamProvider(Feeds.Provider), UserId, logger);
        _feeds.Write([.. fronts], news);
    }

    /// <summary>Leases that have ended are seen when somebody asks: a timer each would cost more than all the rest of this grain.</summary>
    private void DropEnded()
    {
        foreach (var ended in Array.FindAll(_fronts, front => time.GetElapsedTime(front.RenewedAt) >= _lease))
        {
            _fronts = [.. _fronts.Where(front => front != ended)];
            _feeds?.Forget(ended.Front);
        }
    }

    private sealed record FrontSessions(string Front, long Version, long RenewedAt, UserSession[] Sessions);
}
