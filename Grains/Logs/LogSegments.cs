using OrleansChat.Grains.Storage;

namespace OrleansChat.Grains.Logs;

/// <summary>Where the data file keeps rooms' logs for good: batches that follow one another, together in one row.</summary>
/// <remarks>Rows are found by a small index and lie in the order they were written: in one table, SQLite would read the whole of a large row to compare its key.</remarks>
internal static class LogSegments
{
    /// <summary>Adds batches at the end of a room's log, ascending.</summary>
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
}
