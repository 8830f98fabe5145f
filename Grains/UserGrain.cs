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
    private readonly Dictionary<string, FrontSessions> _fronts = new(StringComparer.Ordinal);
    private readonly Queue<long> _newRooms = [];
    private readonly long _activatedAt = time.GetTimestamp();
    private FeedWriter _feeds = null!;
    private IGrainTimer? _leaseTimer;
    private TimeSpan _lease = TimeSpan.FromSeconds(45);

    private string UserId => this.GetPrimaryKeyString();

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _feeds = new FeedWriter(this.GetStreamProvider(Feeds.Provider), UserId, logger);
        return Task.CompletedTask;
    }

    public Task<UserSession[]> Sessions()
    {
        DropEnded();
        return Task.FromResult(_fronts.Values.SelectMany(front => front.Sessions).OrderBy(session => session.ConnectedAt).ToArray());
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
        var known = _fronts.Values.SelectMany(front => front.Sessions)
            .Count(session => clientId is null || session.ClientId == clientId);
        await TellAsync(new FeedEvent.Disconnect(UserId, clientId, reason));
        return known;
    }

    public Task AdmitNewRoom()
    {
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
        if (_fronts.TryGetValue(renewal.Front, out var known) && renewal.Version <= known.Version)
            return Task.FromResult(new UserLease([]));

        var elsewhere = _fronts.Where(front => front.Key != renewal.Front).Sum(front => front.Value.Sessions.Count);
        var places = Math.Max(0, options.Value.ConnectionsPerUser - elsewhere);
        var admitted = known?.Sessions.Select(session => session.ClientId).ToHashSet(StringComparer.Ordinal) ?? [];

        // Those who were here before stay; of the others, the first come.
        var sessions = renewal.Sessions.OrderByDescending(session => admitted.Contains(session.ClientId)).ThenBy(session => session.ConnectedAt).ToList();
        var refused = sessions.Skip(places).Select(session => session.ClientId).ToArray();
        if (sessions.Count > places)
            sessions.RemoveRange(places, sessions.Count - places);

        _lease = renewal.Lease;
        if (sessions.Count == 0)
        {
            _fronts.Remove(renewal.Front);
            _feeds.Forget(renewal.Front);
        }
        else
        {
            _fronts[renewal.Front] = new FrontSessions(renewal.Version, time.GetTimestamp(), sessions);
        }

        WatchLeases();
        return Task.FromResult(new UserLease(refused));
    }

    /// <summary>Tells the fronts that hold sessions; all live ones while some may not have renewed yet.</summary>
    private async Task TellAsync(FeedEvent news)
    {
        var fronts = _fronts.Keys.ToHashSet(StringComparer.Ordinal);
        if (time.GetElapsedTime(_activatedAt) < _lease)
        {
            foreach (var front in await GrainFactory.GetGrain<IFrontsGrain>(IFrontsGrain.Key).Live())
                fronts.Add(front.Id);
        }

        _feeds.Write(fronts, news);
    }

    private void WatchLeases()
    {
        if (_fronts.Count == 0)
        {
            _leaseTimer?.Dispose();
            _leaseTimer = null;
            return;
        }

        _leaseTimer ??= this.RegisterGrainTimer(OnLeaseTimer, new GrainTimerCreationOptions(_lease, _lease / 3));
    }

    private Task OnLeaseTimer()
    {
        DropEnded();
        WatchLeases();
        return Task.CompletedTask;
    }

    private void DropEnded()
    {
        foreach (var (front, _) in _fronts.Where(front => time.GetElapsedTime(front.Value.RenewedAt) >= _lease).ToList())
        {
            _fronts.Remove(front);
            _feeds.Forget(front);
        }
    }

    private sealed record FrontSessions(long Version, long RenewedAt, List<UserSession> Sessions);
}
