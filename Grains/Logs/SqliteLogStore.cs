using OrleansChat.Grains.Storage;

namespace OrleansChat.Grains.Logs;

/// <summary>Room logs in the data file: one row per header, per batch, and per front that holds a room. The transaction is the fence.</summary>
/// <remarks>
/// <see cref="OpenAsync"/> goes through the writer too: it comes after every append asked for earlier, so that its answer settles what became of them.
/// </remarks>
/// <param name="file">Stays the caller's to dispose.</param>
internal sealed class SqliteLogStore(SqliteFile file) : ILogStore
{
    private const string NewestBatch = "(SELECT last FROM batch WHERE room = ?1 ORDER BY last DESC LIMIT 1)";

    // A header fits its batches when the newest batch ends at the head, or when there are none and the header says so.
    private const string Fits = $"{NewestBatch} IS CASE WHEN first > head THEN NULL ELSE head END";

    public Task<LogHeader?> OpenAsync(string room, bool create, CancellationToken cancellation) =>
        file.WriteAsync(session => Open(session, room, create), cancellation);

    public Task<bool> AppendAsync(string room, LogPosition expected, LogBatch batch, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(batch.Last, expected.Head, nameof(batch));
        return file.WriteAsync(session => Append(session, room, expected, batch), cancellation);
    }

    public Task<IReadOnlyList<LogBatch>> ReadAsync(string room, long from, long to, CancellationToken cancellation) =>
        file.ReadAsync<IReadOnlyList<LogBatch>>(session => Read(session, room, from, to), cancellation);

    public Task<bool> TrimAsync(string room, LogHeader expected, long first, long bytes, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(first, expected.First);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(first, expected.Head + 1);
        return file.WriteAsync(session => Trim(session, room, expected, first, bytes), cancellation);
    }

    public Task<bool> ResetAsync(string room, LogPosition expected, CancellationToken cancellation) =>
        file.WriteAsync(session => Reset(session, room, expected), cancellation);

    public Task<bool> AddFrontAsync(string room, string epoch, string front, CancellationToken cancellation) =>
        file.WriteAsync(
            session => IsEpoch(session, room, epoch) && session.Execute("INSERT OR IGNORE INTO front VALUES (?1, ?2)", room, front) >= 0,
            cancellation);

    public Task<bool> RemoveFrontAsync(string room, string epoch, string front, CancellationToken cancellation) =>
        file.WriteAsync(
            session => IsEpoch(session, room, epoch) && session.Execute("DELETE FROM front WHERE room = ?1 AND id = ?2", room, front) >= 0,
            cancellation);

    private static LogHeader? Open(SqliteSession session, string room, bool create)
    {
        bool found;
        using (var row = session.Query($"SELECT epoch, head, first, ts, bytes, {Fits} FROM log WHERE room = ?1", room))
        {
            found = row.Read();
            if (found && row.GetBoolean(5))
                return new LogHeader(row.GetString(0), row.GetInt64(1), row.GetInt64(2), row.GetInt64(3), row.GetInt64(4), Fronts(session, room));
        }
        // What is there now fits nothing: a header without its batches, or batches without a header.
        var stray = session.Execute("DELETE FROM batch WHERE room = ?1", room);
        if (!found && stray == 0 && !create)
            return null;
        session.Execute("DELETE FROM front WHERE room = ?1", room);
        var header = new LogHeader(LogEpoch.New(), 0, 1, 0, 0, []);
        session.Execute("INSERT OR REPLACE INTO log VALUES (?1, ?2, 0, 1, 0, 0)", room, header.Epoch);
        return header;
    }

    private static List<string> Fronts(SqliteSession session, string room)
    {
        var fronts = new List<string>();
        using var rows = session.Query("SELECT id FROM front WHERE room = ?1 ORDER BY id", room);
        while (rows.Read())
            fronts.Add(rows.GetString(0));
        return fronts;
    }

    private static bool Append(SqliteSession session, string room, LogPosition expected, LogBatch batch) =>
        session.Execute(
            $"UPDATE log SET head = ?4, ts = ?5, bytes = bytes + ?6 WHERE room = ?1 AND epoch = ?2 AND head = ?3 AND {Fits}",
            room, expected.Epoch, expected.Head, batch.Last, batch.Timestamp, batch.Payload.Length) == 1
        && session.Execute("INSERT INTO batch VALUES (?1, ?2, ?3, ?4)", room, batch.Last, batch.Timestamp, batch.Payload) == 1;

    private static List<LogBatch> Read(SqliteSession session, string room, long from, long to)
    {
        var batches = new List<LogBatch>();
        if (from > to)
            return batches;
        // Up to the batch that ends at or after 'to', unless all that is left begins after it.
        using var rows = session.Query(
            """
            SELECT last, ts, payload FROM batch WHERE room = ?1 AND last >= ?2
              AND last <= coalesce((SELECT last FROM batch WHERE room = ?1 AND last >= ?3 ORDER BY last LIMIT 1), ?3)
              AND (SELECT first FROM log WHERE room = ?1) <= ?3
            ORDER BY last
            """,
            room, from, to);
        while (rows.Read())
            batches.Add(new LogBatch(rows.GetInt64(0), rows.GetInt64(1), rows.GetFieldValue<byte[]>(2)));
        return batches;
    }

    private static bool Trim(SqliteSession session, string room, LogHeader expected, long first, long bytes)
    {
        if (session.Execute(
            "UPDATE log SET first = ?4, bytes = bytes - ?5 WHERE room = ?1 AND epoch = ?2 AND first = ?3",
            room, expected.Epoch, expected.First, first, bytes) == 0)
            return false;
        session.Execute("DELETE FROM batch WHERE room = ?1 AND last < ?2", room, first);
        return true;
    }

    private static bool Reset(SqliteSession session, string room, LogPosition expected)
    {
        if (session.Execute(
            "UPDATE log SET epoch = ?4, head = 0, first = 1, ts = 0, bytes = 0 WHERE room = ?1 AND epoch = ?2 AND head = ?3",
            room, expected.Epoch, expected.Head, LogEpoch.New()) == 0)
            return false;
        session.Execute("DELETE FROM batch WHERE room = ?1", room);
        return true;
    }

    private static bool IsEpoch(SqliteSession session, string room, string epoch)
    {
        using var row = session.Query("SELECT 1 FROM log WHERE room = ?1 AND epoch = ?2", room, epoch);
        return row.Read();
    }
}
