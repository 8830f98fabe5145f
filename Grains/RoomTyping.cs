namespace OrleansChat.Grains;

/// <summary>
/// Who types, told at most once a second per user. What is said within that second is told at its end if it changed, so that the last word always arrives: also that
/// somebody types again, because for whoever saw the message between, the typing had ended with it.
/// </summary>
internal sealed class RoomTyping(TimeProvider time)
{
    private static readonly TimeSpan Pace = TimeSpan.FromSeconds(1);

    private readonly Dictionary<string, Typist> _typists = new(StringComparer.Ordinal);

    /// <summary>Whether <see cref="Due"/> has to be asked again.</summary>
    public bool IsWaiting => _typists.Count > 0;

    /// <returns>Whether it is to be told now.</returns>
    public bool Note(string userId, string username, bool isTyping)
    {
        if (_typists.TryGetValue(userId, out var typist) && time.GetElapsedTime(typist.ToldAt) < Pace)
        {
            _typists[userId] = typist with { Username = username, Now = isTyping, IsDue = typist.IsDue || isTyping != typist.Now };
            return false;
        }

        _typists[userId] = new Typist(username, isTyping, IsDue: false, time.GetTimestamp());
        return true;
    }

    /// <summary>A user is gone, and whatever was held back with it.</summary>
    public void Forget(string userId) => _typists.Remove(userId);

    /// <summary>What is to be told now of what was held back; forgets who has been quiet for a second.</summary>
    public List<(string UserId, string Username, bool IsTyping)> Due()
    {
        var due = new List<(string, string, bool)>();
        foreach (var (userId, typist) in _typists.Where(t => time.GetElapsedTime(t.Value.ToldAt) >= Pace).ToList())
        {
            if (!typist.IsDue)
            {
                _typists.Remove(userId);
                continue;
            }

            _typists[userId] = typist with { IsDue = false, ToldAt = time.GetTimestamp() };
            due.Add((userId, typist.Username, typist.Now));
        }

        return due;
    }

    private readonly record struct Typist(string Username, bool Now, bool IsDue, long ToldAt);
}
