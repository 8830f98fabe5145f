using OrleansChat.Grains.Storage;

namespace OrleansChat.Grains.Logs;

/// <summary>Brings what a process that died left in the journal to where it stays.</summary>
internal static class LogRecovery
{
    /// <summary>
    /// Puts batches into segments. One that was moved before, or whose log has begun anew since, is known by its place: it does not continue its log, and is left out.
    /// </summary>
    /// <param name="session">In a transaction.</param>
    /// <param name="left">In the order in which they were appended.</param>
    public static void Run(SqliteSession session, IEnumerable<JournalBatch> left)
    {
        var rooms = new Dictionary<string, (LogPosition? End, List<PlacedBatch> Batches)>(StringComparer.Ordinal);
        foreach (var batch in left)
        {
            if (!rooms.TryGetValue(batch.Room, out var room))
                room = (LogSegments.Header(session, batch.Room), []);
            if (room.End == batch.Expected)
            {
                room.Batches.Add(batch.Placed);
                room.End = batch.End;
            }

            rooms[batch.Room] = room;
        }

        foreach (var (name, room) in rooms)
        {
            if (room.End is { } end)
                LogSegments.Continue(session, name, end.Epoch, room.Batches);
        }
    }
}
