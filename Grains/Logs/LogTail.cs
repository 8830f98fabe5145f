namespace OrleansChat.Grains.Logs;

/// <summary>Where a room's log ends, and its newest batches: those that are in no segment yet. <see cref="LogTails"/> guards it.</summary>
/// <param name="room">The room's name.</param>
/// <param name="end">Where the log ends, as its segments and header have it.</param>
internal sealed class LogTail(string room, LogPosition end)
{
    private long _moved = end.Head;
    private TailBatch? _oldest;
    private TailBatch? _moving;
    private long _movingBytes;

    public string Room => room;

    public LogPosition End { get; private set; } = end;

    /// <summary>The newest batch; null where all are in segments.</summary>
    public TailBatch? Newest { get; private set; }

    /// <summary>Where the oldest batch lies; <see cref="long.MaxValue"/> where there is none.</summary>
    public long OldestGeneration => _oldest?.Generation ?? long.MaxValue;

    /// <summary>The sum of the payloads.</summary>
    public long Bytes { get; private set; }

    /// <summary>A batch is being written.</summary>
    public bool IsBeingAppended { get; set; }

    /// <summary>Nothing is appended now: the log may begin anew.</summary>
    public bool IsHeld { get; set; }

    /// <summary>Whether there is something that no transaction has moved, not even the one under way.</summary>
    public bool HasUnmoved => Newest != _moving;

    /// <summary>What that is.</summary>
    public TailView? Unmoved =>
        HasUnmoved ? new TailView(_moving?.Placed.Batch.Last ?? _moved, End, Newest!.Placed.Batch.Timestamp, Bytes - _movingBytes) : null;

    public void Add(PlacedBatch batch, long generation)
    {
        var added = new TailBatch(batch, generation, Newest);
        if (Newest is { } before)
            before.Next = added;
        else
            _oldest = added;
        Newest = added;
        End = End with { Head = batch.Batch.Last };
        Bytes += batch.Batch.Payload.Length;
    }

    /// <summary>A transaction moves what none has moved before.</summary>
    /// <param name="to">The last seq.</param>
    /// <param name="bytes">The sum of the payloads from which on no other batch is taken.</param>
    /// <returns>That, ascending.</returns>
    public List<PlacedBatch> BeginMove(long to, long bytes)
    {
        var batches = new List<PlacedBatch>();
        var before = _movingBytes;
        for (var next = _moving is null ? _oldest : _moving.Next; next?.Placed.Before < to && _movingBytes - before < bytes; next = next.Next)
        {
            batches.Add(next.Placed);
            _moving = next;
            _movingBytes += next.Placed.Batch.Payload.Length;
        }

        return batches;
    }

    /// <summary>… and is committed: they go from here. Whoever has <see cref="Newest"/> of before has them still, or finds them in the segments.</summary>
    public void EndMove()
    {
        if (_moving is null)
            return;
        (_moved, _oldest, _moving.Next) = (_moving.Placed.Batch.Last, _moving.Next, null);
        if (_oldest is null)
            Newest = null;
        else
            _oldest.Cut();
        Bytes -= _movingBytes;
        CancelMove();
    }

    /// <summary>… or rolled back, or nobody knows.</summary>
    public void CancelMove() => (_moving, _movingBytes) = (null, 0);
}

/// <summary>Batches of a room that are not in segments.</summary>
/// <param name="Before">The last seq before them.</param>
/// <param name="End">Where the log ends with them.</param>
/// <param name="Timestamp">The last one's time, Unix milliseconds.</param>
/// <param name="Bytes">The sum of their payloads.</param>
internal readonly record struct TailView(long Before, LogPosition End, long Timestamp, long Bytes);
