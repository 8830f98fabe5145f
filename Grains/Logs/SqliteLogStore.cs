using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using OrleansChat.Grains.Storage;

namespace OrleansChat.Grains.Logs;

/// <summary>
/// Room logs in the data file: a row per header and per front that holds a room; batches are in <see cref="LogSegments"/>, the newest in the
/// <see cref="LogJournal"/>, which is the fence.
/// </summary>
/// <remarks>
/// <see cref="OpenAsync"/> is the writer's, and waits for an append to its room that is being written; one that its caller was told of as failed does not come later. So its answer settles what became of them.
/// </remarks>
internal sealed class SqliteLogStore : ILogStore
{
    private readonly SqliteFile _file;
    private readonly LogTails _tails = new();
    private readonly LogJournal _journal;
    private readonly string _life;

    /// <param name="file">Stays the caller's to dispose. It has room for one log store.</param>
    /// <param name="logger">Hears of what could not be moved to where it stays.</param>
    /// <param name="time">Tells when it is time to.</param>
    public SqliteLogStore(SqliteFile file, ILogger<SqliteLogStore>? logger = null, TimeProvider? time = null)
    {
        _file = file;
        _life = LogEpoch.Suffix(file.Life);
        _journal = new LogJournal(file, _tails, new LogMover(file, _tails, time ?? TimeProvider.System, logger ?? NullLogger<SqliteLogStore>.Instance));
        file.Accompany(_tails);
    }

    public Task<LogHeader?> OpenAsync(string room, bool create, CancellationToken cancellation) =>
        _file.WriteAsync(session => Open(session, room, create), cancellation);

    public Task<bool> AppendAsync(string room, LogPosition expected, LogBatch batch, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(batch.Last, expected.Head, nameof(batch));
        return _journal.AppendAsync(new JournalBatch(room, Stored(expected.Epoch), new PlacedBatch(expected.Head, batch)), cancellation);
    }

    public async Task<IReadOnlyList<LogBatch>> ReadAsync(string room, long from, long to, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        if (from > to)
            return [];
        // The journal first: what is moved meanwhile is then known already, and not looked for in the segments.
        var newest = TailBatch.Overlapping(_tails.Newest(room), from, to, out var end);
        if (from > end)
            return newest;
        var batches = await _file.ReadAsync(session => LogSegments.Read(session, room, from, Math.Min(to, end)), cancellation);
        batches.AddRange(newest);
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

    /// <summary>The epoch as the file has it. One of another life is nobody's.</summary>
    private string Stored(string epoch) =>
        _life.Length == 0 ? epoch : epoch.EndsWith(_life, StringComparison.Ordinal) ? epoch[..^_life.Length] : "";

    private LogPosition Stored(LogPosition position) => position with { Epoch = Stored(position.Epoch) };

    private LogHeader? Open(SqliteSession session, string room, bool create)
    {
        var tail = _tails.FindUnmoved(room);
        bool found;
        using (var row = session.Query($"SELECT epoch, head, first, ts, bytes, {LogSegments.Fits} FROM log WHERE room = ?1", room))
        {
            found = row.Read();
            if (found && row.GetBoolean(5))
            {
                var header = new LogHeader(row.GetString(0) + _life, row.GetInt64(1), row.GetInt64(2), row.GetInt64(3), row.GetInt64(4), Fronts(session, room));
                if (tail is { } news)
                    return header with { Head = news.End.Head, LastTimestamp = news.Timestamp, Bytes = header.Bytes + news.Bytes };
                _tails.Learn(room, new LogPosition(row.GetString(0), header.Head));
                return header;
            }
        }

        _tails.Hold(room);
        // What is there now fits nothing: a header without its segments, or segments without a header.
        var stray = LogSegments.Drop(session, room, long.MaxValue);
        if (!found && stray == 0 && tail is null && !create)
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

    private bool Trim(SqliteSession session, string room, LogHeader expected, long first, long bytes)
    {
        if (_tails.FindUnmoved(room) is { } tail && tail.Before < first - 1)
            _tails.Move(session, room);
        if (session.Execute(
            "UPDATE log SET first = ?4, bytes = bytes - ?5 WHERE room = ?1 AND epoch = ?2 AND first = ?3",
            room, Stored(expected.Epoch), expected.First, first, bytes) == 0)
            return false;
        LogSegments.Drop(session, room, first);
        return true;
    }

    private bool Reset(SqliteSession session, string room, LogPosition expected)
    {
        _tails.Hold(room);
        _tails.Move(session, room);
        if (session.Execute(
            "UPDATE log SET epoch = ?4, head = 0, first = 1, ts = 0, bytes = 0 WHERE room = ?1 AND epoch = ?2 AND head = ?3",
            room, expected.Epoch, expected.Head, LogEpoch.New()) == 0)
            return false;
        LogSegments.Drop(session, room, long.MaxValue);
        return true;
    }

    private static bool IsEpoch(SqliteSession session, string room, string epoch)
    {
        using var row = session.Query("SELECT 1 FROM log WHERE room = ?1 AND epoch = ?2", room, epoch);
        return row.Read();
    }
}
