using OrleansChat.Grains.Interfaces;

namespace OrleansChat.Tests.Rooms;

/// <summary>What a room should believe of its members, said in the plainest way: everything is counted anew whenever it is asked.</summary>
internal sealed class RoomMembersModel(int limit)
{
    private readonly Dictionary<string, Front> _fronts = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (long Version, TimeSpan Expires)> _left = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _names = new(StringComparer.Ordinal);

    public IEnumerable<string> Fronts => _fronts.Keys.Order(StringComparer.Ordinal);

    public List<Member> Members =>
    [
        .. _fronts.Values.SelectMany(front => front.Users).GroupBy(user => user.Key, user => user.Value, StringComparer.Ordinal)
            .OrderBy(user => user.Key, StringComparer.Ordinal).Select(user => new Member(user.Key, _names[user.Key], user.Sum())),
    ];

    public LeaseOutcome Renew(RoomRenewal renewal, TimeSpan now, List<(string User, bool Joined)> told, List<string> refused)
    {
        var known = _fronts.TryGetValue(renewal.Front, out var front);
        var version = known ? front!.Version : _left.TryGetValue(renewal.Front, out var left) && left.Expires > now ? left.Version : 0;
        if (renewal.Version <= version)
            return LeaseOutcome.Stale;
        if (!renewal.Full && (!known || renewal.Base != version))
            return LeaseOutcome.Resend;

        front = _fronts[renewal.Front] = new Front(renewal.Version, now + renewal.Lease, known ? front!.Users : new(StringComparer.Ordinal));
        var unsaid = front.Users.Keys.Except(renewal.Changes.Select(change => change.UserId), StringComparer.Ordinal);
        foreach (var gone in renewal.Full ? unsaid.ToList() : [])
            Change(told, gone, () => front.Users.Remove(gone));
        foreach (var change in renewal.Changes)
        {
            if (change.Connections == 0)
            {
                Change(told, change.UserId, () => front.Users.Remove(change.UserId));
            }
            else if (!Has(change.UserId) && Members.Count >= limit)
            {
                refused.Add(change.UserId);
            }
            else
            {
                _names[change.UserId] = change.Username;
                Change(change.IsNew ? told : [], change.UserId, () => front.Users[change.UserId] = change.Connections);
            }
        }

        if (front.Users.Count == 0)
        {
            _fronts.Remove(renewal.Front);
            _left[renewal.Front] = (renewal.Version, front.Expires);
        }

        return LeaseOutcome.Granted;
    }

    public void Expire(TimeSpan now, List<(string User, bool Joined)> told)
    {
        foreach (var (id, front) in _fronts.Where(front => front.Value.Expires <= now).ToList())
        {
            foreach (var user in front.Users.Keys.ToList())
                Change(told, user, () => front.Users.Remove(user));
            _fronts.Remove(id);
        }
    }

    private bool Has(string user) => _fronts.Values.Any(front => front.Users.ContainsKey(user));

    private void Change(List<(string User, bool Joined)> told, string user, Action change)
    {
        var before = Has(user);
        change();
        if (Has(user) != before)
            told.Add((user, !before));
    }

    private sealed record Front(long Version, TimeSpan Expires, Dictionary<string, int> Users);
}
