using System.Collections.Concurrent;

namespace OrleansChat.Chaos;

/// <summary>
/// Members that a killed front leaves behind: users of that front alone, who do not come back. Others look at the room's members until they are gone.
/// </summary>
internal sealed class Ghosts(IReadOnlyList<Uri> fronts, IReadOnlyList<ChaosClient> watchers, Token token, Journal journal, Clock clock)
{
    private static readonly TimeSpan PlantLimit = TimeSpan.FromSeconds(3);

    /// <summary>The lease (45 s by default), and what it takes to look.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly ConcurrentBag<Task<TimeSpan>> _haunting = [];
    private int _planted;

    /// <summary>How long each of them stayed; waits for those that are still there.</summary>
    public Task<TimeSpan[]> AllGoneAsync() => Task.WhenAll(_haunting);

    /// <summary>Puts a user on a front, into the first room.</summary>
    /// <returns>Null where the front would not have it.</returns>
    public async Task<Ghost?> PlantAsync(int front, CancellationToken cancellation)
    {
        var userId = FormattableString.Invariant($"ghost-{Interlocked.Increment(ref _planted)}");
        try
        {
            var connection = await Connection.OpenAsync(fronts[front], token.For(userId), _ => { }, cancellation);
            var answer = await connection.AskAsync("join", $$$"""{"type":"join_room","id":"join","payload":{"room":"{{{Said.NameOf(0)}}}"}}""", PlantLimit, cancellation);
            return answer.GetProperty("type").GetString() == "room_joined" ? new Ghost(this, userId, connection) : null;
        }
        catch (Exception e) when (e is ConnectionLostException or TimeoutException)
        {
            return null;
        }
    }

    private async Task<TimeSpan> WatchAsync(string userId, CancellationToken cancellation)
    {
        var from = clock.Now;
        var looks = 0;
        var gone = await clock.UntilAsync(async () => !await IsThereAsync(userId, ++looks, cancellation), Limit, cancellation);
        if (!gone)
            journal.Violate(ViolationKind.Ghost, Said.NameOf(0), FormattableString.Invariant($"{userId} is still a member {Limit.TotalSeconds} s after its front was killed"));
        return clock.Now - from;
    }

    private async Task<bool> IsThereAsync(string userId, int look, CancellationToken cancellation)
    {
        await clock.Delay(TimeSpan.FromMilliseconds(500), cancellation);
        var id = FormattableString.Invariant($"members-{userId}-{look}");
        try
        {
            var connection = await watchers[look % watchers.Count].InRoomAsync(0, cancellation);
            var answer = await connection.AskAsync(id, $$$"""{"type":"members","id":"{{{id}}}","payload":{"room":"{{{Said.NameOf(0)}}}","limit":200}}""", PlantLimit, cancellation);
            return !answer.TryGetProperty("users", out var users) || users.EnumerateArray().Any(user => user.GetProperty("userId").GetString() == userId);
        }
        catch (Exception e) when (e is ConnectionLostException or TimeoutException)
        {
            return true; // Nobody said that it is gone.
        }
    }

    /// <summary>One of them.</summary>
    internal sealed class Ghost(Ghosts ghosts, string userId, Connection connection)
    {
        /// <summary>Its front was killed: from now on it should go.</summary>
        public void Haunt(CancellationToken cancellation)
        {
            connection.Abort();
            ghosts._haunting.Add(ghosts.WatchAsync(userId, cancellation));
        }
    }
}
