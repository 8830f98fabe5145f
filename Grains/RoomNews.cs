using OrleansChat.Grains.Interfaces;

namespace OrleansChat.Grains;

/// <summary>What a room tells its fronts beside its messages: who came and went, who types; how much of it, and when.</summary>
internal sealed class RoomNews(string room, int detailLimit, RoomMembers members, TimeProvider time)
{
    private readonly RoomTyping _typing = new(time);
    private bool _occupancyDue;

    /// <summary>Whether <see cref="Due"/> has to be asked, once a second.</summary>
    public bool IsWaiting => _occupancyDue || _typing.IsWaiting;

    /// <returns>What is to be told now; null: nothing, or later.</returns>
    public FeedEvent? OfTyping(string userId, string username, bool isTyping) =>
        _typing.Note(userId, username, isTyping) ? new FeedEvent.Typing(room, userId, username, isTyping) : null;

    /// <inheritdoc cref="OfTyping"/>
    public FeedEvent? OfMembers(List<PresenceChange> changes)
    {
        foreach (var gone in changes.Where(change => !change.Joined))
            _typing.Forget(gone.UserId);
        if (changes.Count == 0)
            return null;
        if (members.Count <= detailLimit)
            return new FeedEvent.Presence(room, [.. changes]);
        _occupancyDue = true;
        return null;
    }

    /// <summary>What was held back and is to be told now.</summary>
    public List<FeedEvent> Due()
    {
        var due = new List<FeedEvent>();
        if (_occupancyDue)
            due.Add(new FeedEvent.Occupancy(room, members.Count));
        _occupancyDue = false;
        foreach (var (userId, username, isTyping) in _typing.Due())
            due.Add(new FeedEvent.Typing(room, userId, username, isTyping));
        return due;
    }
}
