using System.Collections.Concurrent;
using OrleansChat.Grains.Interfaces;
using OrleansChat.WebFront.Frames;
using OrleansChat.WebFront.Sockets;

namespace OrleansChat.WebFront.Rooms;

/// <summary>This front's sessions, rooms and users, and where what comes through the feed goes.</summary>
internal sealed class FrontHub(IGrainFactory grains, IActiveRooms active, FrontClaims claims, SyncedAnswers answers, TimeProvider time, ILoggerFactory loggers)
{
    private readonly Lock _gate = new();
    private readonly ConcurrentDictionary<string, LocalRoom> _rooms = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, LocalUser> _users = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Session> _sessions = new(StringComparer.Ordinal);
    private readonly ILogger<LocalRoom> _roomLogger = loggers.CreateLogger<LocalRoom>();

    /// <summary>The open connections' sessions, as they are when looked at: the dictionary's own list would be a copy of all, made under all its locks.</summary>
    public IEnumerable<Session> Sessions => _sessions.Select(session => session.Value);

    public int SessionCount => _sessions.Count;

    public IEnumerable<LocalRoom> Rooms => _rooms.Select(room => room.Value);

    public IEnumerable<LocalUser> Users => _users.Select(user => user.Value);

    public void Add(Session session) => _sessions[session.ClientId] = session;

    public void Remove(Session session) => _sessions.TryRemove(session.ClientId, out _);

    /// <summary>The room, for as long as it takes until <see cref="Release(LocalRoom)"/>.</summary>
    public LocalRoom Hold(string name)
    {
        lock (_gate)
        {
            var room = _rooms.GetOrAdd(name, _ => new LocalRoom(name, grains, active, claims, answers, time, _roomLogger));
            room.Holders++;
            return room;
        }
    }

    public void Release(LocalRoom room)
    {
        lock (_gate)
        {
            if (--room.Holders == 0)
                _rooms.TryRemove(room.Name, out _);
        }
    }

    /// <summary>A user asks for one more connection. Where the answer is yes, <see cref="LeaveAsync"/> has to follow.</summary>
    /// <exception cref="ChatException"><see cref="ChatError.Unavailable"/>: the cluster did not answer.</exception>
    public async Task<bool> AdmitAsync(string userId, UserSession session)
    {
        LocalUser user;
        lock (_gate)
        {
            user = _users.GetOrAdd(userId, _ => new LocalUser(userId, grains, claims));
            user.Holders++;
        }

        var admitted = false;
        try
        {
            return admitted = await user.AdmitAsync(session);
        }
        finally
        {
            if (!admitted)
                Release(user);
        }
    }

    /// <summary>An admitted session is gone.</summary>
    public async Task LeaveAsync(string userId, string clientId)
    {
        if (!_users.TryGetValue(userId, out var user))
            return;
        await user.LeaveAsync(clientId).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Release(user);
    }

    /// <summary>Takes an event from a feed. Returns at once: who cannot take what it brings is left behind.</summary>
    public void OnFeedEvent(FeedEvent news)
    {
        switch (news)
        {
            case FeedEvent.Published published when _rooms.TryGetValue(published.Room, out var room):
                room.Deliver(published);
                break;
            case FeedEvent.Presence presence when _rooms.TryGetValue(presence.Room, out var room):
                room.Deliver(presence);
                break;
            case FeedEvent.Occupancy occupancy when _rooms.TryGetValue(occupancy.Room, out var room):
                room.Deliver(occupancy);
                break;
            case FeedEvent.Typing typing when _rooms.TryGetValue(typing.Room, out var room):
                room.Deliver(typing);
                break;
            case FeedEvent.RenewRoom renew when _rooms.TryGetValue(renew.Room, out var room):
                room.Claim.Renew();
                break;
            case FeedEvent.Disconnect disconnect:
                Disconnect(disconnect);
                break;
            case FeedEvent.BroadcastSent sent:
                Deliver(sent.Broadcast, sent.Timestamp);
                break;
        }
    }

    private void Disconnect(FeedEvent.Disconnect order)
    {
        foreach (var session in Sessions)
        {
            if (session.UserId == order.UserId && (order.ClientId is null || order.ClientId == session.ClientId))
                session.Connection.Close(CloseCode.Removed, order.Reason ?? "Disconnected by an administrator");
        }
    }

    private void Deliver(Broadcast broadcast, long timestamp)
    {
        var frame = WireFrame.Encode(new ServerFrame.Broadcast(broadcast.From, broadcast.Message, timestamp));
        var (include, exclude) = (broadcast.Include.ToHashSet(StringComparer.Ordinal), broadcast.Exclude.ToHashSet(StringComparer.Ordinal));
        foreach (var session in Sessions)
        {
            var isMeant = include.Count == 0 || include.Contains(session.UserId) || include.Contains(session.ClientId);
            if (isMeant && !exclude.Contains(session.UserId) && !exclude.Contains(session.ClientId))
                session.Connection.Outbox.TryPost(frame);
        }
    }

    private void Release(LocalUser user)
    {
        lock (_gate)
        {
            if (--user.Holders == 0)
                _users.TryRemove(user.UserId, out _);
        }
    }
}
