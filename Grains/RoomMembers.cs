using OrleansChat.Grains.Interfaces;

namespace OrleansChat.Grains;

/// <summary>Who is in a room: what each front said of its users, for as long as its lease runs; a user on two fronts counts once.</summary>
internal sealed class RoomMembers(int limit, TimeProvider time)
{
    /// <summary>Above every user id in ordinal order.</summary>
    private static readonly string AfterAll = new('\uffff', 129);

    private readonly Dictionary<string, FrontLease> _fronts = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (long Version, long Expires)> _released = new(StringComparer.Ordinal);
    private readonly Dictionary<string, UserCount> _users = new(StringComparer.Ordinal);
    private readonly SortedSet<string> _ids = new(StringComparer.Ordinal);

    /// <summary>Rises with every change, over activations too (as far as the silos' clocks agree; what is skipped for that is told by <c>members</c>).</summary>
    public long Revision { get; private set; } = time.GetUtcNow().UtcTicks;

    /// <summary>Users in the room.</summary>
    public int Count => _users.Count;

    /// <summary>The fronts whose lease runs. Nobody changes the array: each message goes through it, and they hardly ever change.</summary>
    public string[] Fronts { get; private set; } = [];

    public bool Holds(string front) => _fronts.ContainsKey(front);

    /// <summary>A front that the log's header names: it gets a lease's time to say which users it has.</summary>
    public void Adopt(string front, TimeSpan lease)
    {
        if (!_fronts.ContainsKey(front))
            Add(front, new FrontLease { Version = ReleasedVersion(front), Expires = Expiry(lease) });
    }

    /// <summary>Takes a front's renewal, if it fits what is known of that front.</summary>
    /// <param name="renewal">What the front says.</param>
    /// <param name="changes">Users who came or went and of whom the others should hear.</param>
    /// <param name="refused">Users for whom there was no place.</param>
    public LeaseOutcome Renew(RoomRenewal renewal, List<PresenceChange> changes, List<string> refused)
    {
        _fronts.TryGetValue(renewal.Front, out var front);
        if (renewal.Version <= (front?.Version ?? ReleasedVersion(renewal.Front)))
            return LeaseOutcome.Stale;
        if (!renewal.Full && (front is null || front.Version != renewal.Base))
            return LeaseOutcome.Resend;

        front ??= Add(renewal.Front, new FrontLease());
        front.Version = renewal.Version;
        front.Expires = Expiry(renewal.Lease);
        if (renewal.Full)
            Retain(front, renewal.Changes, changes);
        foreach (var change in renewal.Changes)
        {
            if (!Set(front, change, changes))
                refused.Add(change.UserId);
        }

        if (front.Users.Count == 0)
            Release(renewal.Front, front);
        return LeaseOutcome.Granted;
    }

    /// <summary>Drops the fronts whose lease has ended, and their users.</summary>
    /// <returns>The fronts dropped.</returns>
    public List<string> Expire(List<PresenceChange> changes)
    {
        var now = time.GetTimestamp();
        var dead = _fronts.Where(front => front.Value.Expires <= now).Select(front => front.Key).ToList();
        foreach (var id in dead)
        {
            Retain(_fronts[id], [], changes);
            Remove(id);
        }

        return dead;
    }

    /// <summary>How long until the next lease ends.</summary>
    /// <param name="most">What to say where that is later, or never.</param>
    public TimeSpan UntilNextExpiry(TimeSpan most)
    {
        var now = time.GetTimestamp();
        var left = _fronts.Count == 0 ? most : time.GetElapsedTime(now, _fronts.Values.Min(front => front.Expires));
        return left < TimeSpan.Zero ? TimeSpan.Zero : left < most ? left + TimeSpan.FromMilliseconds(1) : most;
    }

    /// <summary>A page of users, by id in ordinal order.</summary>
    public MemberPage Page(string? after, int count)
    {
        var users = new List<Member>();
        var more = false;
        foreach (var id in after is null ? _ids : _ids.GetViewBetween(after, AfterAll))
        {
            if (id == after)
                continue;
            if (more = users.Count == count)
                break;
            var user = _users[id];
            users.Add(new Member(id, user.Username, user.Connections));
        }

        return new MemberPage(Count, [.. users], more);
    }

    /// <summary>A front that left is remembered for a lease's time: a join of before, late because it waited for the store, must not undo that.</summary>
    private void Release(string id, FrontLease front)
    {
        var now = time.GetTimestamp();
        foreach (var (old, _) in _released.Where(released => released.Value.Expires <= now).ToList())
            _released.Remove(old);
        _released[id] = (front.Version, front.Expires);
        Remove(id);
    }

    private FrontLease Add(string id, FrontLease front)
    {
        _fronts.Add(id, front);
        Fronts = [.. _fronts.Keys];
        return front;
    }

    private void Remove(string id)
    {
        _fronts.Remove(id);
        Fronts = [.. _fronts.Keys];
    }

    private long ReleasedVersion(string front) =>
        _released.TryGetValue(front, out var released) && released.Expires > time.GetTimestamp() ? released.Version : 0;

    private void Retain(FrontLease front, MemberChange[] kept, List<PresenceChange> changes)
    {
        var ids = kept.Select(change => change.UserId).ToHashSet(StringComparer.Ordinal);
        foreach (var gone in front.Users.Keys.Where(id => !ids.Contains(id)).ToList())
            Set(front, new MemberChange(gone, _users[gone].Username, Connections: 0, IsNew: false), changes);
    }

    /// <returns>False: the room is full.</returns>
    private bool Set(FrontLease front, MemberChange change, List<PresenceChange> changes)
    {
        var before = front.Users.GetValueOrDefault(change.UserId);
        var known = _users.TryGetValue(change.UserId, out var user);
        if (!known && change.Connections > 0 && _users.Count >= limit)
            return false;

        if (change.Connections > 0)
            front.Users[change.UserId] = change.Connections;
        else
            front.Users.Remove(change.UserId);
        var connections = user.Connections + change.Connections - before;
        if (connections > 0)
        {
            _users[change.UserId] = new UserCount(change.Connections > 0 ? change.Username : user.Username, connections);
            if (!known)
                _ids.Add(change.UserId);
            if (!known && change.IsNew)
                changes.Add(Presence(change.UserId, change.Username, joined: true));
        }
        else if (known)
        {
            _users.Remove(change.UserId);
            _ids.Remove(change.UserId);
            changes.Add(Presence(change.UserId, user.Username, joined: false));
        }

        return true;
    }

    private PresenceChange Presence(string userId, string username, bool joined) =>
        new(userId, username, joined, Count, time.GetUtcNow().ToUnixTimeMilliseconds(), ++Revision);

    private long Expiry(TimeSpan lease) => time.GetTimestamp() + (long)(lease.TotalSeconds * time.TimestampFrequency);

    private sealed class FrontLease
    {
        public long Version { get; set; }

        public long Expires { get; set; }

        /// <summary>User id → how many of the user's connections on this front are in the room.</summary>
        public Dictionary<string, int> Users { get; } = new(StringComparer.Ordinal);
    }

    private readonly record struct UserCount(string Username, int Connections);
}
