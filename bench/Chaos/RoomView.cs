namespace OrleansChat.Chaos;

/// <summary>One room as one client sees it: every message it was given, in order, and where it has to go on after a cut.</summary>
internal sealed class RoomView(string who, string room, Journal journal)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, SortedDictionary<long, Said>> _seen = new(StringComparer.Ordinal);
    private string _epoch = "";
    private long _last;
    private long _timestamp;
    private bool _anywhere;
    private bool _joined;

    public string Who => who;

    public string Room => room;

    /// <summary>The epoch and the last seq seen; null before the first <c>room_joined</c>.</summary>
    public (string Epoch, long Seq)? Position
    {
        get
        {
            lock (_gate)
                return _epoch.Length == 0 ? null : (_epoch, _last);
        }
    }

    /// <summary>Everything seen, by epoch and seq.</summary>
    public IReadOnlyDictionary<string, SortedDictionary<long, Said>> Seen => _seen;

    /// <summary>A <c>room_joined</c> that answers a join.</summary>
    /// <param name="epoch">Its epoch.</param>
    /// <param name="head">Its seq.</param>
    /// <param name="recovered">As it says, null where it says nothing.</param>
    /// <param name="since">What the join asked for, null where it asked for nothing.</param>
    public void OnJoined(string epoch, long head, bool? recovered, long? since)
    {
        lock (_gate)
        {
            if (_epoch.Length == 0)
                _last = head;
            else if (since is { } asked && recovered == true && epoch == _epoch)
                _last = asked;
            else if (since is not null || epoch != _epoch)
                OnHole("on joining again", epoch, head, recovered);
            (_epoch, _joined) = (epoch, true);
        }
    }

    /// <summary>A <c>room_joined</c> that nobody asked for: the server has a hole to tell of.</summary>
    public void OnJoinedUnasked(string epoch, long head, bool? recovered)
    {
        lock (_gate)
        {
            OnHole("unasked", epoch, head, recovered);
            _epoch = epoch;
        }
    }

    /// <summary>The connection is gone: the next message comes after another <c>room_joined</c>.</summary>
    public void OnCut()
    {
        lock (_gate)
            _joined = false;
    }

    /// <summary>A <c>chat_message</c>, live or replayed.</summary>
    public void OnMessage(long seq, string userId, string text, long timestamp)
    {
        lock (_gate)
        {
            if (Said.FromText(text) is not { } said || said.UserId != userId || said.RoomName != room)
            {
                Violate(ViolationKind.Unknown, FormattableString.Invariant($"{who} got seq {seq} from {userId}, which nobody sent so: {text}"));
                return;
            }

            if (!_joined)
                Violate(ViolationKind.Gap, FormattableString.Invariant($"{who} got seq {seq}, id {said}, before room_joined"));
            else if (!_anywhere && seq <= _last)
                Violate(ViolationKind.Repeat, FormattableString.Invariant($"{who} got seq {seq}, id {said}, after seq {_last}"));
            else if (!_anywhere && seq > _last + 1)
                Violate(ViolationKind.Gap, FormattableString.Invariant($"{who} got seq {seq}, id {said}, right after seq {_last}"));
            else if (timestamp < _timestamp)
                Violate(ViolationKind.Time, FormattableString.Invariant($"{who} got seq {seq}, id {said}, with a time below that of seq {_last}"));
            Keep(seq, said);
            _anywhere = false;
            (_last, _timestamp) = (Math.Max(_last, seq), Math.Max(_timestamp, timestamp));
        }
    }

    private void OnHole(string when, string epoch, long head, bool? recovered)
    {
        Violate(ViolationKind.NotRecovered, FormattableString.Invariant($"{who} has seq {_last} of epoch {_epoch} and was told, {when}: recovered {recovered}, epoch {epoch}, head {head}"));
        (_last, _anywhere, _timestamp) = (head, true, 0);
    }

    private void Keep(long seq, Said said)
    {
        if (!_seen.TryGetValue(_epoch, out var entries))
            _seen[_epoch] = entries = [];
        if (!entries.TryAdd(seq, said) && entries[seq] != said)
            Violate(ViolationKind.Diverged, FormattableString.Invariant($"{who} got seq {seq} as id {entries[seq]}, and then as id {said}"));
    }

    private void Violate(ViolationKind kind, string text) => journal.Violate(kind, room, text);
}
