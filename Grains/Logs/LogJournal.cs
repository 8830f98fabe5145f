using System.Collections.Concurrent;
using OrleansChat.Grains.Storage;

namespace OrleansChat.Grains.Logs;

/// <summary>
/// The newest batches of rooms, before they are moved to <see cref="LogSegments"/>. All appends of a transaction are one row here, whatever rooms they belong to:
/// with a row per room a page of 4 KiB would be written for each. What gathers here for a room becomes one segment.
/// </summary>
/// <remarks>
/// <para>The rows are what a crash leaves; the same batches stay in memory and are read from there. A row goes when all its batches were moved. A batch that was
/// moved before, or whose log has begun anew since, is known by its place: it does not continue its log, and is skipped.</para>
/// <para>The file's writer calls everything but <see cref="Newest"/>, which anyone may call.</para>
/// </remarks>
internal sealed class LogJournal : ISqliteCompanion
{
    /// <summary>A larger batch fills pages of its own: it becomes a segment at once, and is written once.</summary>
    public const int MaxPayload = 8_192;

    /// <summary>Rows kept here, in bytes, before the rooms that have been here longest are moved; up to twice as much while they are. A start has to read them.</summary>
    private const int MaxBytes = 4 * 1024 * 1024;

    /// <summary>Batches of a room that are moved together, at most.</summary>
    private const int MaxTail = 96;

    private readonly Dictionary<string, Tail> _tails = new(StringComparer.Ordinal);
    private readonly Queue<Tail> _oldestFirst = new();
    private readonly Queue<(long Id, int Bytes)> _rows = new();
    private readonly List<JournalBatch> _appended = [];
    private readonly HashSet<string> _changed = new(StringComparer.Ordinal);
    private ConcurrentDictionary<string, TailBatch> _committed = new(StringComparer.Ordinal);
    private bool _isLoaded;
    private long _nextRow;
    private long _bytes;

    /// <summary>Whether <see cref="Newest"/> knows: not before the first write.</summary>
    public bool IsLoaded => Volatile.Read(ref _isLoaded);

    /// <summary>The newest batch of a room, where it is here and committed.</summary>
    public TailBatch? Newest(string room) => _committed.GetValueOrDefault(room);

    /// <summary>Reads the rows, where that is not done.</summary>
    public void Load(SqliteSession session)
    {
        if (_isLoaded)
            return;
        _tails.Clear();
        _oldestFirst.Clear();
        _rows.Clear();
        (_nextRow, _bytes) = (1, 0);
        using (var rows = session.Query("SELECT id, batches FROM journal ORDER BY id"))
        {
            while (rows.Read())
            {
                var (id, row) = (rows.GetInt64(0), rows.GetFieldValue<byte[]>(1));
                foreach (var batch in JournalRow.Decode(row).Where(batch => Continues(session, batch)))
                    Add(batch, id);
                Count(id, row.Length);
            }
        }
        _changed.Clear();
        _committed = new(_tails.Select(tail => KeyValuePair.Create(tail.Key, tail.Value.Newest)), StringComparer.Ordinal);
        Volatile.Write(ref _isLoaded, true);
    }

    /// <summary>Where a room's log ends, if that is here.</summary>
    public LogPosition? End(SqliteSession session, string room)
    {
        Load(session);
        return _tails.GetValueOrDefault(room)?.End;
    }

    /// <summary>Adds a batch that continues its room's log: the caller has looked.</summary>
    public void Append(SqliteSession session, JournalBatch appended)
    {
        Load(session);
        _appended.Add(appended);
        Add(appended, _nextRow);
        if (_tails[appended.Room].IsFull)
            Move(session, appended.Room);
    }

    /// <summary>Moves what is here of a room to a segment: what follows finds the whole log there.</summary>
    public void Move(SqliteSession session, string room)
    {
        Load(session);
        if (!_tails.Remove(room, out var tail))
            return;
        tail.IsMoved = true;
        _changed.Add(room);
        var batches = tail.Newest.Ascending();
        LogSegments.Append(session, room, batches);
        var newest = tail.Newest.Placed.Batch;
        session.Execute(
            "UPDATE log SET head = ?2, ts = ?3, bytes = bytes + ?4 WHERE room = ?1",
            room, newest.Last, newest.Timestamp, batches.Sum(batch => (long)batch.Batch.Payload.Length));
    }

    /// <inheritdoc/>
    public void Committing(SqliteSession session)
    {
        if (!_isLoaded)
            return;
        if (_appended.Count > 0)
        {
            var row = JournalRow.Encode(_appended);
            session.Execute("INSERT INTO journal VALUES (?1, ?2)", _nextRow, row);
            Count(_nextRow, row.Length);
        }

        // Up to twice what came in: no transaction is long, and the journal comes back to its size.
        for (var moved = 0; IsTooLong(session) && moved <= 2 * _appended.Count;)
        {
            var oldest = _oldestFirst.Peek();
            moved += oldest.Count;
            Move(session, oldest.Room);
        }
    }

    /// <inheritdoc/>
    public void Committed()
    {
        foreach (var room in _changed)
        {
            if (_tails.TryGetValue(room, out var tail))
                _committed[room] = tail.Newest;
            else
                _committed.TryRemove(room, out _);
        }
        _changed.Clear();
        _appended.Clear();
    }

    /// <inheritdoc/>
    public void RolledBack()
    {
        _isLoaded = false;
        _appended.Clear();
        _changed.Clear();
    }

    private bool Continues(SqliteSession session, JournalBatch batch)
    {
        if (_tails.TryGetValue(batch.Room, out var tail))
            return tail.End == batch.Place;
        using var log = session.Query("SELECT epoch, head FROM log WHERE room = ?1", batch.Room);
        return log.Read() && new LogPosition(log.GetString(0), log.GetInt64(1)) == batch.Place;
    }

    private void Add(JournalBatch appended, long row)
    {
        var (room, epoch, batch) = appended;
        if (!_tails.TryGetValue(room, out var tail))
        {
            tail = new Tail(room, epoch, row);
            _tails.Add(room, tail);
            _oldestFirst.Enqueue(tail);
        }
        tail.Add(batch);
        _changed.Add(room);
    }

    private void Count(long row, int bytes)
    {
        _rows.Enqueue((row, bytes));
        _bytes += bytes;
        _nextRow = row + 1;
    }

    /// <returns>Whether it is, even without the rows that nobody needs any more.</returns>
    private bool IsTooLong(SqliteSession session)
    {
        if (_bytes <= MaxBytes)
            return false;
        while (_oldestFirst.TryPeek(out var oldest) && oldest.IsMoved)
            _oldestFirst.Dequeue();
        var needed = _oldestFirst.TryPeek(out var unmoved) ? unmoved.FirstRow : _nextRow;
        if (_rows.Peek().Id < needed)
            session.Execute("DELETE FROM journal WHERE id < ?1", needed);
        while (_rows.TryPeek(out var row) && row.Id < needed)
            _bytes -= _rows.Dequeue().Bytes;
        return _bytes > MaxBytes;
    }

    /// <summary>A room's batches that are here.</summary>
    private sealed class Tail(string room, string epoch, long firstRow)
    {
        // Each has a limit of its own: rooms of one pace are not moved all at once.
        private readonly int _limit = Random.Shared.Next(MaxTail / 2, MaxTail);
        private TailBatch? _newest;

        public string Room => room;

        /// <summary>The row that holds the first of them.</summary>
        public long FirstRow => firstRow;

        public TailBatch Newest => _newest!;

        public LogPosition End => new(epoch, Newest.Placed.Batch.Last);

        public int Count { get; private set; }

        public bool IsFull => Count >= _limit;

        public bool IsMoved { get; set; }

        public void Add(PlacedBatch batch) => (_newest, Count) = (new TailBatch(batch, _newest), Count + 1);
    }
}
