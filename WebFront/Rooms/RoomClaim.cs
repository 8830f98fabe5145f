using OrleansChat.Grains.Interfaces;
using OrleansChat.Streaming;

namespace OrleansChat.WebFront.Rooms;

/// <summary>
/// This front's lease of a room: joins, leaves and renewals, in one loop with one call in flight, each with a rising version, so that late duplicates of a
/// timed-out call cannot undo a newer one. What the grain did not confirm is said again, in full.
/// </summary>
internal sealed class RoomClaim
{
    private const int Capacity = 65_536;
    private const int MaxCalls = 5;

    private readonly LocalRoom _room;
    private readonly IGrainFactory _grains;
    private readonly FrontClaims _claims;
    private readonly Batcher<Request> _batcher;
    private readonly Dictionary<string, Presence> _users = new(StringComparer.Ordinal);
    private long _base;
    private bool _exists;

    public RoomClaim(LocalRoom room, IGrainFactory grains, FrontClaims claims)
    {
        (_room, _grains, _claims) = (room, grains, claims);
        _batcher = new Batcher<Request>(Capacity, DrainAsync);
    }

    /// <summary>When the lease has to be renewed; the clock's timestamp.</summary>
    public long RenewAt { get; set; }

    /// <summary>One more connection of a user is in the room.</summary>
    /// <exception cref="ChatException">Room full, too many new rooms, or unavailable: the user is not in the room.</exception>
    public Task<RoomLease> JoinAsync(string userId, string username) => PostAsync(new Request(userId, username, +1, NewAnswer()));

    /// <summary>One connection less. Ends when the grain was told, or could not be: then the lease ends by itself.</summary>
    public Task LeaveAsync(string userId) => PostAsync(new Request(userId, "", -1, NewAnswer()));

    /// <summary>Renews the lease without waiting for the answer.</summary>
    public void Renew() => _batcher.TryPost(new Request(null, "", 0, null));

    /// <summary>Renews the lease.</summary>
    public Task<RoomLease> RenewAsync() => PostAsync(new Request(null, "", 0, NewAnswer()));

    private static TaskCompletionSource<RoomLease> NewAnswer() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private Task<RoomLease> PostAsync(Request request) =>
        _batcher.TryPost(request) ? request.Answer!.Task : Task.FromException<RoomLease>(ChatException.Unavailable());

    private async Task DrainAsync(IReadOnlyList<Request> requests)
    {
        var touched = new HashSet<string>(StringComparer.Ordinal);
        foreach (var request in requests.Where(request => request.UserId is not null))
        {
            touched.Add(request.UserId!);
            Count(request.UserId!, request.Username, request.Connections);
        }

        if (touched.Count == 0 && _users.Count == 0)
        {
            // A renewal behind the last leave: the room may be held anew by now, under a claim of its own that this one must not speak against.
            foreach (var request in requests)
                request.Answer?.TrySetException(ChatException.Unavailable());
            return;
        }

        try
        {
            var lease = await CallAsync(touched, requests);
            foreach (var request in requests)
            {
                if (request.Connections > 0 && lease.Refused.Contains(request.UserId!, StringComparer.Ordinal))
                    Undo(request, new ChatException(ChatError.RoomFull, "The room is full"));
                else
                    request.Answer?.TrySetResult(lease);
            }
        }
        catch (Exception e)
        {
            _base = 0; // nobody knows what arrived: the next call says everything, and does not wait for its turn
            RenewAt = _users.Count > 0 && RenewAt != 0 ? 1 : RenewAt;
            if (e is ChatException)
                _claims.OnConfirmed(); // a refusal is an answer: a store that stalls is not a cluster that is lost
            foreach (var request in requests)
                Undo(request, e as ChatException ?? ChatException.Unavailable(e));
        }
    }

    /// <summary>Calls until the grain has taken what is to be said.</summary>
    private async Task<RoomLease> CallAsync(HashSet<string> touched, IReadOnlyList<Request> requests)
    {
        var create = _exists;
        for (var call = 1; ; call++)
        {
            var (version, position) = (_claims.NextVersion(), _room.Position);
            var changes = Changes(touched, full: _base == 0);
            var renewal = new RoomRenewal(_claims.FrontId, version, _base, _claims.Lease, create, _base == 0, changes, position.Epoch, position.Seq);
            var lease = await _room.Grain.Renew(renewal);
            switch (lease.Outcome)
            {
                case LeaseOutcome.Granted:
                    (_base, _exists) = (version, true);
                    RenewAt = _claims.NextRenewal();
                    Confirm(changes, lease.Refused);
                    _claims.OnConfirmed();
                    _room.OnLease(lease);
                    return lease;
                case LeaseOutcome.NotFound:
                    await AdmitNewRoomAsync(requests);
                    create = true;
                    break;
                default:
                    _base = 0;
                    break;
            }

            if (call == MaxCalls)
                throw ChatException.Unavailable();
        }
    }

    /// <summary>A room comes into being: that counts for the first of those who join.</summary>
    private async Task AdmitNewRoomAsync(IReadOnlyList<Request> requests)
    {
        var creator = requests.FirstOrDefault(request => request.Connections > 0).UserId
            ?? throw new ChatException(ChatError.NotFound, "No such room");
        await _grains.GetGrain<IUserGrain>(creator).AdmitNewRoom();
    }

    private MemberChange[] Changes(HashSet<string> touched, bool full)
    {
        if (full)
            return [.. _users.Select(user => new MemberChange(user.Key, user.Value.Username, user.Value.Connections, !user.Value.IsConfirmed))];
        return [.. touched.Select(id => _users.TryGetValue(id, out var user)
            ? new MemberChange(id, user.Username, user.Connections, !user.IsConfirmed)
            : new MemberChange(id, "", Connections: 0, IsNew: false))];
    }

    private void Confirm(MemberChange[] changes, string[] refused)
    {
        foreach (var change in changes)
        {
            if (_users.TryGetValue(change.UserId, out var user) && !refused.Contains(change.UserId, StringComparer.Ordinal))
                user.IsConfirmed = true;
        }
    }

    private void Count(string userId, string username, int connections)
    {
        if (!_users.TryGetValue(userId, out var user))
        {
            if (connections <= 0)
                return;
            _users[userId] = user = new Presence();
        }

        user.Connections += connections;
        if (connections > 0)
            user.Username = username;
        if (user.Connections <= 0)
            _users.Remove(userId);
    }

    private void Undo(Request request, ChatException refusal)
    {
        if (request.Connections > 0)
            Count(request.UserId!, request.Username, -request.Connections);
        request.Answer?.TrySetException(refusal);
        _ = request.Answer?.Task.Exception; // observed: a leave waits for nobody
    }

    private readonly record struct Request(string? UserId, string Username, int Connections, TaskCompletionSource<RoomLease>? Answer);

    private sealed class Presence
    {
        public string Username { get; set; } = "";

        public int Connections { get; set; }

        /// <summary>The grain has heard of the user: saying it again makes no event.</summary>
        public bool IsConfirmed { get; set; }
    }
}
