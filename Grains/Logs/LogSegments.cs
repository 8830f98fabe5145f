using OrleansChat.Grains.Storage;

namespace OrleansChat.Grains.Logs;

/// <summary>Where the data file keeps rooms' logs for good: batches that follow one another, together in one row.</summary>
/// <remarks>Rows are found by a small index and lie in the order they were written: in one table, SQLite would read the whole of a large row to compare its key.</remarks>
internal static class LogSegments
{
    /// <summary>Payloads in one row, in bytes, as long as it is more than one batch: who reads some of it reads all.</summary>
    private const int RowBytes = 32 * 1024;

    private const string Newest = "(SELECT last FROM segment WHERE room = ?1 ORDER BY last DESC LIMIT 1)";

    /// <summary>Whether a header fits its segments: the newest ends at the head, or there are none and the header says so.</summary>
    public const string Fits = $"{Newest} IS CASE WHEN first > head THEN NULL ELSE head END";

    /// <summary>Where a room's log ends, by its header.</summary>
    public static LogPosition? Header(SqliteSession session, string room) => Position(session, "SELECT epoch, head FROM log WHERE room = ?1", room);

    /// <summary>The same, where header and segments fit each other.</summary>
    public static LogPosition? End(SqliteSession session, string room) => Position(session, $"SELECT epoch, head FROM log WHERE room = ?1 AND {Fits}", room);

    /// <summary>Adds what follows on a room's log, and moves its header on. What is there already is left out.</summary>
    /// <param name="session">In a transaction.</param>
    /// <param name="room">The room's name.</param>
    /// <param name="epoch">Its log's epoch, as the file has it.</param>
    /// <param name="batches">One following on the other.</param>
    /// <returns>False: they do not follow on it. It has another epoch by now, or somebody has been at the file.</returns>
    public static bool Continue(SqliteSession session, string room, string epoch, IEnumerable<PlacedBatch> batches)
    {
        if (Header(session, room) is not { } end || end.Epoch != epoch)
            return false;
        var row = new List<PlacedBatch>();
        var (before, bytes) = (end.Head, 0);
        foreach (var batch in batches.SkipWhile(batch => batch.Batch.Last <= end.Head))
        {
            if (batch.Before != before)
                return false;
            if (row.Count > 0 && bytes + batch.Batch.Payload.Length > RowBytes)
                AddRow();
            row.Add(batch);
            (before, bytes) = (batch.Batch.Last, bytes + batch.Batch.Payload.Length);
        }

        if (row.Count > 0)
            AddRow();
        return true;

        void AddRow()
        {
            Append(session, room, row);
            session.Execute("UPDATE log SET head = ?2, ts = ?3, bytes = bytes + ?4 WHERE room = ?1", room, before, row[^1].Batch.Timestamp, bytes);
            row.Clear();
            bytes = 0;
        }
    }

    /// <summary>Adds batches at the end of a room's log, ascending, as one row.</summary>
    public static void Append(SqliteSession session, string room, IReadOnlyCollection<PlacedBatch> batches)
    {
        session.Execute("INSERT INTO segment_data (batches) VALUES (?1)", BatchRow.Encode(batches, static (batch, writer) => batch.Write(writer)));
        session.Execute("INSERT INTO segment VALUES (?1, ?2, last_insert_rowid())", room, batches.Last().Batch.Last);
    }

    /// <inheritdoc cref="ILogStore.ReadAsync"/>
    public static List<LogBatch> Read(SqliteSession session, string room, long from, long to)
    {
        var batches = new List<LogBatch>();
        // Up to the segment that ends at or after 'to'.
        using var rows = session.Query(
            """
            SELECT batches, coalesce((SELECT first FROM log WHERE room = ?1), 9223372036854775807) FROM segment JOIN segment_data USING (id)
            WHERE room = ?1 AND last >= ?2 AND last <= coalesce((SELECT last FROM segment WHERE room = ?1 AND last >= ?3 ORDER BY last LIMIT 1), ?3)
            ORDER BY last
            """,
            room, from, to);
        while (rows.Read())
        {
            // A trim may have ended within a segment.
            var first = Math.Max(from, rows.GetInt64(1));
            batches.AddRange(BatchRow.Decode(rows.GetFieldValue<byte[]>(0), PlacedBatch.Read).Where(batch => batch.Overlaps(first, to)).Select(batch => batch.Batch));
        }
        return batches;
    }

    /// <summary>Drops the segments that end before a seq.</summary>
    /// <returns>How many there were.</returns>
    public static int Drop(SqliteSession session, string room, long before)
    {
        session.Execute("DELETE FROM segment_data WHERE id IN (SELECT id FROM segment WHERE room = ?1 AND last < ?2)", room, before);
        return session.Execute("DELETE FROM segment WHERE room = ?1 AND last < ?2", room, before);
    }

    private static LogPosition? Position(SqliteSession session, string query, string room)
    {
        using var row = session.Query(query, room);
        return row.Read() ? new LogPosition(row.GetString(0), row.GetInt64(1)) : null;
    }
}
