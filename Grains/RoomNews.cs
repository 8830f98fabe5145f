using OrleansChat.Grains.Interfaces;

namespace OrleansChat.Grains;

/// <summary>
/// What a room tells its fronts besides its entries: who came and went, how many there are, who types. Not stored. Where it would be too much it is held
/// back, for seconds.
/// </summary>
internal sealed class RoomNews(string room, RoomMembers members, FeedWriter feeds, int detailLimit, TimeProvider time)
{
    /// <summary>
    /// Frames of presence, one per change and member, that a room may cause within a second before further ones are held back: a storm of joins into a room of a
    /// hundred would else write to a hundred sockets for each of them. Ten people who come together are told of at once.
    /// </summary>
    private const int PresenceFrames = 100;

    /// <summary>Changes held back; with more, all are told.</summary>
    private const int MaxHeld = 1_000;

    private static readonly TimeSpan Pace = TimeSpan.FromSeconds(1);

    /// <summary>How many there are costs a write to each of them: told so seldom that it is a hundred a second, and no later than after so many seconds. docs/decisions/0035.</summary>
    private const double LongestPace = 5;

    /// <summary>Timers may come early by a fraction, and the next comes a second later.</summary>
    private static readonly TimeSpan Early = TimeSpan.FromMilliseconds(50);

    private readonly RoomTyping _typing = new(time);
    private readonly List<PresenceChange> _held = [];
    private bool _occupancyDue;
    private int _frames;
    private long _countedFrom = time.GetTimestamp();
    private long? _occupancyToldAt;

    /// <summary>Whether something is held back: <see cref="TellDue"/> has to be called.</summary>
    public bool IsWaiting => _occupancyDue || _held.Count > 0 || _typing.IsWaiting;

    public void Tell(List<PresenceChange> changes)
    {
        // A room that came up anew and found many there says so once.
        if (changes.Count == 0 && (_occupancyToldAt is not null || members.Count <= detailLimit))
            return;
        foreach (var gone in changes.Where(change => !change.Joined))
            _typing.Forget(gone.UserId);
        if (members.Count > detailLimit)
        {
            _occupancyDue = true;
            return;
        }

        if (_held.Count == 0 && time.GetElapsedTime(_countedFrom) >= Pace)
            CountAnew();
        _held.AddRange(changes);
        if (_frames <= PresenceFrames || _held.Count > MaxHeld)
            TellPresence();
    }

    public void Type(string userId, string username, bool isTyping)
    {
        if (_typing.Note(userId, username, isTyping))
            feeds.Write(members.Fronts, new FeedEvent.Typing(room, userId, username, isTyping));
    }

    /// <summary>To be called each second: tells what was held back long enough. It counts for the second to come: a storm that goes on is told of once in each.</summary>
    public void TellDue()
    {
        CountAnew();
        var pace = TimeSpan.FromSeconds(Math.Min(members.Count / 100.0, LongestPace));
        var isTime = _occupancyToldAt is not { } at || time.GetElapsedTime(at) + Early >= pace;
        if (TellPresence() || isTime) // Who hears of each up to the limit hears at once that there are more.
            TellOccupancy();
        foreach (var (userId, username, isTyping) in _typing.Due())
            feeds.Write(members.Fronts, new FeedEvent.Typing(room, userId, username, isTyping));
    }

    /// <summary>Tells all, whatever was told a moment before.</summary>
    public void TellAll()
    {
        TellDue();
        TellOccupancy();
    }

    private void CountAnew() => (_frames, _countedFrom) = (0, time.GetTimestamp());

    private bool TellPresence()
    {
        if (_held.Count == 0)
            return false;
        _frames += _held.Count * members.Count;
        feeds.Write(members.Fronts, new FeedEvent.Presence(room, [.. _held]));
        _held.Clear();
        return true;
    }

    private void TellOccupancy()
    {
        if (!_occupancyDue)
            return;
        (_occupancyDue, _occupancyToldAt) = (false, time.GetTimestamp());
        feeds.Write(members.Fronts, new FeedEvent.Occupancy(room, members.Count));
    }
}
