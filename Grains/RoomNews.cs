using OrleansChat.Grains.Interfaces;

namespace OrleansChat.Grains;

/// <summary>
/// What a room tells its fronts besides its entries: who came and went, how many there are, who types. Not stored. Where it would be too much it is held
/// back, until the grain's next second.
/// </summary>
internal sealed class RoomNews(string room, RoomMembers members, FeedWriter feeds, int detailLimit, TimeProvider time)
{
    private readonly RoomTyping _typing = new(time);
    private bool _occupancyDue;

    /// <summary>Whether something is held back: <see cref="TellDue"/> has to be called.</summary>
    public bool IsWaiting => _occupancyDue || _typing.IsWaiting;

    public void Tell(List<PresenceChange> changes)
    {
        if (changes.Count == 0)
            return;
        foreach (var gone in changes.Where(change => !change.Joined))
            _typing.Forget(gone.UserId);
        if (members.Count > detailLimit)
            _occupancyDue = true;
        else
            feeds.Write(members.Fronts, new FeedEvent.Presence(room, [.. changes]));
    }

    public void Type(string userId, string username, bool isTyping)
    {
        if (_typing.Note(userId, username, isTyping))
            feeds.Write(members.Fronts, new FeedEvent.Typing(room, userId, username, isTyping));
    }

    /// <summary>Tells what was held back for a second.</summary>
    public void TellDue()
    {
        if (_occupancyDue)
            feeds.Write(members.Fronts, new FeedEvent.Occupancy(room, members.Count));
        _occupancyDue = false;
        foreach (var (userId, username, isTyping) in _typing.Due())
            feeds.Write(members.Fronts, new FeedEvent.Typing(room, userId, username, isTyping));
    }
}
