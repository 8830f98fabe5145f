using OrleansChat.Grains.Storage;

namespace OrleansChat.Grains.Logs;

/// <summary>
/// Where rooms' logs end, which is the fence, and their newest batches, until they are moved to <see cref="LogSegments"/>. Of a room that said nothing for a while nothing is known here: its header
/// is asked, and <see cref="Learn"/> told.
/// </summary>
/// <remarks>
/// Who appends calls <see cref="Begin"/> and <see cref="End"/>; what has a <see cref="SqliteSession"/>, or says so, is the file's writer's, in a transaction: what it changes counts when that is committed, and no append comes between.
/// </remarks>
internal sealed class LogTails : ISqliteCompanion
{
    private readonly object _gate = new();
    private readonly Dictionary<string, LogTail> _tails = new(StringComparer.Ordinal);
    private readonly HashSet<string> _held = new(StringComparer.Ordinal);
    private readonly HashSet<LogTail> _moving = [];
    private bool _isClosed;

    /// <summary>A batch is about to be appended. Where it may be, the room waits for <see cref="End"/>.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="tail">For <see cref="End"/>.</param>
    public AppendOutcome Begin(JournalBatch batch, out LogTail? tail)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isClosed, typeof(SqliteFile));
            if (!_tails.TryGetValue(batch.Room, out tail) || tail.IsHeld)
                return AppendOutcome.EndUnknown;
            if (tail.IsBeingAppended)
                return AppendOutcome.Again;
            if (tail.End != batch.Expected)
                return AppendOutcome.Refused;
            tail.IsBeingAppended = true;
            return AppendOutcome.Appended;
        }
    }

    /// <summary>It was appended, or not.</summary>
    /// <param name="tail">Of <see cref="Begin"/>.</param>
    /// <param name="appended">Null: it was not.</param>
    /// <param name="generation">Of the file that has its record.</param>
    public void End(LogTail tail, PlacedBatch? appended, long generation)
    {
        lock (_gate)
        {
            tail.IsBeingAppended = false;
            if (appended is { } batch)
                tail.Add(batch, generation);
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>The newest batch of a room, where it is here. Anyone may call this.</summary>
    public TailBatch? Newest(string room)
    {
        lock (_gate)
            return _tails.GetValueOrDefault(room)?.Newest;
    }

    /// <summary>What is here of a room and not moved, not even by this transaction. The writer's; an append under way is waited for.</summary>
    public TailView? FindUnmoved(string room)
    {
        lock (_gate)
            return Find(room)?.Unmoved;
    }

    /// <summary>Has it known where a log ends, by its header. The writer's.</summary>
    /// <returns>False: there is no such log, or none that fits together.</returns>
    public bool TryLearn(SqliteSession session, string room)
    {
        lock (_gate)
        {
            if (_held.Contains(room) || _tails.ContainsKey(room))
                return true; // It is known, or can be told when this transaction has ended.
        }

        if (LogSegments.End(session, room) is not { } end)
            return false;
        Learn(room, end);
        return true;
    }

    /// <summary>Notes where a log ends, which the writer has just read.</summary>
    public void Learn(string room, LogPosition end)
    {
        lock (_gate)
        {
            if (!_held.Contains(room))
                _tails.TryAdd(room, new LogTail(room, end));
        }
    }

    /// <summary>Lets nobody append to a room until the transaction has ended. Where it is committed, what is here of the room goes, moved or not. The writer's.</summary>
    public void Hold(string room)
    {
        lock (_gate)
        {
            if (Find(room) is { } tail)
                tail.IsHeld = true;
            _held.Add(room);
        }
    }

    /// <summary>Moves what is here of a room to segments: what follows in this transaction finds the whole log there, unless less was asked for.</summary>
    /// <param name="session">In a transaction.</param>
    /// <param name="room">The room's name.</param>
    /// <param name="to">The last seq.</param>
    /// <param name="bytes">The sum of the payloads from which on no other batch is moved.</param>
    /// <returns>That sum. Less than <paramref name="bytes"/>: there is no more.</returns>
    public long Move(SqliteSession session, string room, long to = long.MaxValue, long bytes = long.MaxValue)
    {
        List<PlacedBatch> batches;
        string epoch;
        lock (_gate)
        {
            if (Find(room) is not { HasUnmoved: true } tail)
                return 0;
            (batches, epoch) = (tail.BeginMove(to, bytes), tail.End.Epoch);
            _moving.Add(tail);
        }

        if (batches.Count > 0 && !LogSegments.Continue(session, room, epoch, batches))
            Hold(room); // The log has fallen back; whoever appends next finds that, and begins it anew.
        return batches.Sum(batch => (long)batch.Batch.Payload.Length);
    }

    /// <summary>The rooms with batches in files before a generation, where their logs end, and the bytes of their payloads.</summary>
    public List<(string Room, long End, long Bytes)> InFilesBefore(long generation)
    {
        lock (_gate)
            return [.. _tails.Values.Where(tail => tail.OldestGeneration < generation).Select(tail => (tail.Room, tail.End.Head, tail.Bytes))];
    }

    /// <summary>Forgets the rooms that have nothing here, or each that ever said something would stay.</summary>
    public void Shrink()
    {
        lock (_gate)
        {
            foreach (var tail in _tails.Values)
            {
                if (tail is { Newest: null, IsBeingAppended: false })
                    _tails.Remove(tail.Room);
            }
        }
    }

    /// <inheritdoc/>
    public void Committed()
    {
        lock (_gate)
        {
            foreach (var tail in _moving)
                tail.EndMove();
            foreach (var room in _held)
                _tails.Remove(room);
            _moving.Clear();
            _held.Clear();
        }
    }

    /// <inheritdoc/>
    public void RolledBack()
    {
        lock (_gate)
        {
            foreach (var tail in _moving)
                tail.CancelMove();
            foreach (var room in _held)
            {
                if (_tails.TryGetValue(room, out var tail))
                    tail.IsHeld = false;
            }

            _moving.Clear();
            _held.Clear();
        }
    }

    /// <inheritdoc/>
    public void Closing(SqliteSession session)
    {
        string[] rooms;
        lock (_gate)
        {
            _isClosed = true;
            rooms = [.. _tails.Keys];
        }

        foreach (var room in rooms)
            Move(session, room);
    }

    private LogTail? Find(string room)
    {
        while (_tails.GetValueOrDefault(room) is { IsBeingAppended: true })
            Monitor.Wait(_gate); // For one write to a file.
        return _tails.GetValueOrDefault(room);
    }
}
