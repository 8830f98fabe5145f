using OrleansChat.Grains.Storage;

namespace OrleansChat.Grains.Logs;

/// <summary>
/// Room logs in the data file: a row per header and per front that holds a room; batches are in <see cref="LogSegments"/>, the newest in the
/// <see cref="LogJournal"/>. The transaction is the fence.
/// </summary>
/// <remarks>
/// <see cref="OpenAsync"/> goes through the writer too: it comes after every append asked for earlier, so that its answer settles what became of them.
/// </remarks>
internal sealed class SqliteLogStore : ILogStore
{
    private const string NewestSegment = "(SELECT last FROM segment WHERE room = ?1 ORDER BY last DESC LIMIT 1)";

    // A header fits its segments when the newest ends at the head, or when there are none and the header says so.
    private const string Fits = $"{NewestSegment} IS CASE WHEN first > head THEN NULL ELSE head END";

    private readonly SqliteFile _file;
    private readonly LogJournal _journal = new();
    private readonly string _life;

    /// <param name="file">Stays the caller's to dispose. It has room for one log store.</param>
    public SqliteLogStore(SqliteFile file)
    {
        _file = file;
        _life = LogEpoch.Suffix(file.Life);
        file.Accompany(_journal);
    }

    public Task<LogHeader?> OpenAsync(string room, bool create, CancellationToken cancellation) =>
        _file.WriteAsync(session => Open(session, room, create), cancellation);

    public Task<bool> AppendAsync(string room, LogPosition expected, LogBatch batch, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(batch.Last, expected.Head, nameof(batch));
        return _file.WriteAsync((store: this, room, expected: Stored(expected), batch), static (all, session) => all.store.Append(session, all.room, all.expected, all.batch), cancellation);
    }

    public async Task<IReadOnlyList<LogBatch>> ReadAsync(string room, long from, long to, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        if (from > to)
            return [];
        if (!_journal.HasLoaded)
            await LoadAsync(cancellation);
        // The journal first: what is moved meanwhile is then known already, and not looked for in the segments.
        var tail = _journal.Newest(room)?.Ascending() ?? [];
        var end = tail is [var oldest, ..] ? oldest.Before : long.MaxValue;
        var batches = from <= end ? await _file.ReadAsync(session => LogSegments.Read(session, room, from, Math.Min(to, end)), cancellation) : [];
        batches.AddRange(tail.Where(batch => batch.Overlaps(from, to)).Select(batch => batch.Batch));
        return batches;
    }

    public Task<bool> TrimAsync(string room, LogHeader expected, long first, long bytes, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(first, expected.First);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(first, expected.Head + 1);
        return _file.WriteAsync(session => Trim(session, room, expected, first, bytes), cancellation);
    }

    public Task<bool> ResetAsync(string room, LogPosition expected, CancellationToken cancellation) =>
        _file.WriteAsync(session => Reset(session, room, Stored(expected)), cancellation);

    public Task<bool> AddFrontAsync(string room, string epoch, string front, CancellationToken cancellation) =>
        _file.WriteAsync(
            session => IsEpoch(session, room, Stored(epoch)) && session.Execute("INSERT OR IGNORE INTO front VALUES (?1, ?2)", room, front) >= 0,
            cancellation);

    public Task<bool> RemoveFrontAsync(string room, string epoch, string front, CancellationToken cancellation) =>
        _file.WriteAsync(
            session => IsEpoch(session, room, Stored(epoch)) && session.Execute("DELETE FROM front WHERE room = ?1 AND id = ?2", room, front) >= 0,
            cancellation);

    private Task<bool> LoadAsync(CancellationToken cancellation) => _file.WriteAsync(
        session =>
        {
            _journal.Load(session);
            return true;
        },
        cancellation);

    /// <summary>The epoch as the file has it. One of another life is nobody's.</summary>
    private string Stored(string epoch) =>
        _life.Length == 0 ? epoch : epoch.EndsWith(_life, StringComparison.Ordinal) ? epoch[..^_life.Length] : "";

    private LogPosition Stored(LogPosition position) => position with { Epoch = Stored(position.Epoch) };

    private LogHeader? Open(SqliteSession session, string room, bool create)
    {
        var tail = _journal.Find(session, room);
        bool found;
        using (var row = session.Query($"SELECT epoch, head, first, ts, bytes, {Fits} FROM log WHERE room = ?1", room))
        {
            found = row.Read();
            if (found && row.GetBoolean(5))
            {
                var header = new LogHeader(row.GetString(0) + _life, row.GetInt64(1), row.GetInt64(2), row.GetInt64(3), row.GetInt64(4), Fronts(session, room));
                return tail is null ? header : header with { Head = tail.End.Head, LastTimestamp = tail.Newest.Placed.Batch.Timestamp, Bytes = header.Bytes + tail.Bytes };
            }
        }
        _journal.Move(session, room);
        // What is there now fits nothing: a header without its segments, or segments without a header.
        var stray = LogSegments.Drop(session, room, long.MaxValue);
        if (!found && stray == 0 && !create)
            return null;
        session.Execute("DELETE FROM front WHERE room = ?1", room);
        var epoch = LogEpoch.New();
        session.Execute("INSERT OR REPLACE INTO log VALUES (?1, ?2, 0, 1, 0, 0)", room, epoch);
        return new LogHeader(epoch + _life, 0, 1, 0, 0, []);
    }

    private static List<string> Fronts(SqliteSession session, string room)
    {
        var fronts = new List<string>();
        using var rows = session.Query("SELECT id FROM front WHERE room = ?1 ORDER BY id", room);
        while (rows.Read())
            fronts.Add(rows.GetString(0));
        return fronts;
    }

    private bool Append(SqliteSession session, string room, LogPosition expected, LogBatch batch)
    {
        var placed = new PlacedBatch(expected.Head, batch);
        if (batch.Payload.Length > LogJournal.MaxPayload)
        {
            _journal.Move(session, room);
            return AppendSegment(session, room, expected, placed);
        }
        if (!(_journal.Find(session, room) is { } tail ? tail.End == expected : IsEnd(session, room, expected)))
            return false;
        _journal.Append(session, new JournalBatch(room, expected.Epoch, placed));
        return true;
    }

    private static bool AppendSegment(SqliteSession session, string room, LogPosition expected, PlacedBatch placed)
    {
        var batch = placed.Batch;
        if (session.Execute(
            $"UPDATE log SET head = ?4, ts = ?5, bytes = bytes + ?6 WHERE room = ?1 AND epoch = ?2 AND head = ?3 AND {Fits}",
            room, expected.Epoch, expected.Head, batch.Last, batch.Timestamp, batch.Payload.Length) == 0)
            return false;
        LogSegments.Append(session, room, [placed]);
        return true;
    }

    private bool Trim(SqliteSession session, string room, LogHeader expected, long first, long bytes)
    {
        if (_journal.Find(session, room) is { } tail && tail.Before < first - 1)
            _journal.Move(session, room);
        if (session.Execute(
            "UPDATE log SET first = ?4, bytes = bytes - ?5 WHERE room = ?1 AND epoch = ?2 AND first = ?3",
            room, Stored(expected.Epoch), expected.First, first, bytes) == 0)
            return false;
        LogSegments.Drop(session, room, first);
        return true;
    }

    private bool Reset(SqliteSession session, string room, LogPosition expected)
    {
        _journal.Move(session, room);
        if (session.Execute(
            "UPDATE log SET epoch = ?4, head = 0, first = 1, ts = 0, bytes = 0 WHERE room = ?1 AND epoch = ?2 AND head = ?3",
            room, expected.Epoch, expected.Head, LogEpoch.New()) == 0)
            return false;
        LogSegments.Drop(session, room, long.MaxValue);
        return true;
    }

    private static bool IsEnd(SqliteSession session, string room, LogPosition expected)
    {
        using var row = session.Query($"SELECT 1 FROM log WHERE room = ?1 AND epoch = ?2 AND head = ?3 AND {Fits}", room, expected.Epoch, expected.Head);
        return row.Read();
    }

    private static bool IsEpoch(SqliteSession session, string room, string epoch)
    {
        using var row = session.Query("SELECT 1 FROM log WHERE room = ?1 AND epoch = ?2", room, epoch);
        return row.Read();
    }
}
