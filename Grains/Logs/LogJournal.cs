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

    /// <summary>Rows kept here, in bytes, before the rooms that have been here longest are moved; half as much again while they are. A start has to read them.</summary>
    private const int MaxBytes = 4 * 1024 * 1024;

    /// <summary>Batches of a room that are moved together, at most.</summary>
    private const int MaxTail = 96;

    /// <summary>What a batch takes here beside its payload, about.</summary>
    private const int BytesBeside = 64;

    private readonly Dictionary<string, Tail> _tails = new(StringComparer.Ordinal);
    private readonly Queue<Tail> _oldestFirst = new();
    private readonly Queue<(long Id, int Bytes)> _rows = new();
    private readonly List<JournalBatch> _appended = [];
    private readonly HashSet<string> _changed = new(StringComparer.Ordinal);
    private ConcurrentDictionary<string, TailBatch> _committed = new(StringComparer.Ordinal);
    private bool _isLoaded;
    private bool _hasLoaded;
    private long _nextRow;
    private long _bytes;

    /// <summary>Whether <see cref="Newest"/> knows: not before the first <see cref="Load"/>. What it knows stays true when the writer has to read anew.</summary>
    public bool HasLoaded => Volatile.Read(ref _hasLoaded);

    /// <summary>The newest batch of a room, where it is here and committed.</summary>
    public TailBatch? Newest(string room) => _committed.GetValueOrDefault(room);

    /// <summary>Reads the rows, where that is to be done.</summary>
    public void Load(SqliteSession session)
    {
        if (_isLoaded)
            return;
        _tails.Clear();
        _oldestFirst.Clear();
        _rows.Clear();
        (_nextRow, _bytes) = (1, 0);
        var ends = new Dictionary<string, LogPosition?>(StringComparer.Ordinal);
        using (var rows = session.Query("SELECT id, batches FROM journal ORDER BY id"))
        {
            while (rows.Read())
            {
                var (id, row) = (rows.GetInt64(0), rows.GetFieldValue<byte[]>(1));
                foreach (var batch in BatchRow.Decode(row, JournalBatch.Read))
                {
                    if (!ends.TryGetValue(batch.Room, out var end))
                        ends.Add(batch.Room, end = EndInSegments(session, batch.Room));
                    if (end != batch.Expected)
                        continue;
                    Add(batch, id);
                    ends[batch.Room] = batch.End;
                }
                Count(id, row.Length);
            }
        }
        _committed = new(_tails.Select(tail => KeyValuePair.Create(tail.Key, tail.Value.Newest)), StringComparer.Ordinal);
        _isLoaded = true;
        Volatile.Write(ref _hasLoaded, true);
    }

    /// <summary>The batches of a room that are here, if any: the end of its log.</summary>
    public Tail? Find(SqliteSession session, string room)
    {
        Load(session);
        return _tails.GetValueOrDefault(room);
    }

    /// <summary>Adds a batch that continues its room's log: the caller has looked.</summary>
    public void Append(SqliteSession session, JournalBatch appended)
    {
        Load(session);
        _appended.Add(appended);
        _changed.Add(appended.Room);
        if (Add(appended, _nextRow).IsFull)
            Move(session, appended.Room);
    }

    /// <summary>Moves what is here of a room to a segment: what follows finds the whole log there.</summary>
    public void Move(SqliteSession session, string room)
    {
        Load(session);
        if (!_tails.Remove(room, out var tail))
            return;
        _changed.Add(room);
        LogSegments.Append(session, room, tail.Newest.Ascending());
        session.Execute(
            "UPDATE log SET head = ?2, ts = ?3, bytes = bytes + ?4 WHERE room = ?1", room, tail.End.Head, tail.Newest.Placed.Batch.Timestamp, tail.Bytes);
        tail.OnMoved();
    }

    /// <inheritdoc/>
    public void Committing(SqliteSession session)
    {
        if (!_isLoaded)
            return;
        var added = 0;
        if (_appended.Count > 0)
        {
            var row = BatchRow.Encode(_appended, static (batch, writer) => batch.Write(writer));
            session.Execute("INSERT INTO journal VALUES (?1, ?2)", _nextRow, row);
            Count(_nextRow, added = row.Length);
        }

        // Up to twice what came in: no transaction is long, and the journal comes back to its size.
        for (var moved = 0L; IsTooLong(session) && moved <= 2 * added;)
        {
            var oldest = _oldestFirst.Peek();
            moved += oldest.Bytes + (oldest.Count * BytesBeside);
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

    private static LogPosition? EndInSegments(SqliteSession session, string room)
    {
        using var log = session.Query("SELECT epoch, head FROM log WHERE room = ?1", room);
        return log.Read() ? new LogPosition(log.GetString(0), log.GetInt64(1)) : null;
    }

    private Tail Add(JournalBatch appended, long row)
    {
        if (!_tails.TryGetValue(appended.Room, out var tail))
        {
            tail = new Tail(appended, row);
            _tails.Add(appended.Room, tail);
            _oldestFirst.Enqueue(tail);
        }
        tail.Add(appended.Placed);
        return tail;
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
    public sealed class Tail(JournalBatch first, long row)
    {
        // Each has a limit of its own: rooms of one pace are not moved all at once.
        private readonly int _limit = Random.Shared.Next(MaxTail / 2, MaxTail);
        private TailBatch? _newest;

        public string Room => first.Room;

        /// <summary>The row that holds the first of them.</summary>
        public long FirstRow => row;

        /// <summary>The last seq before them.</summary>
        public long Before => first.Placed.Before;

        public TailBatch Newest => _newest!;

        public LogPosition End => new(first.Epoch, Newest.Placed.Batch.Last);

        public int Count { get; private set; }

        /// <summary>The sum of their payloads.</summary>
        public long Bytes { get; private set; }

        public bool IsFull => Count >= _limit;

        public bool IsMoved => _newest is null;

        public void Add(PlacedBatch batch)
        {
            _newest = new TailBatch(batch, _newest);
            Count++;
            Bytes += batch.Batch.Payload.Length;
        }

        /// <summary>Lets go of them.</summary>
        public void OnMoved() => _newest = null;
    }
}
