namespace OrleansChat.Grains.Logs;

/// <summary>A batch at the end of a room's log, and those before it that are not in a segment yet: whoever has the newest has them all.</summary>
/// <param name="placed">The batch.</param>
/// <param name="generation">Of the file that has its record.</param>
/// <param name="previous">The one before it; null where there is none, or it is in a segment.</param>
internal sealed class TailBatch(PlacedBatch placed, long generation, TailBatch? previous)
{
    private volatile TailBatch? _previous = previous;

    /// <summary>The one after it; null where there is none yet. <see cref="LogTail"/>'s alone.</summary>
    public TailBatch? Next { get; set; }

    public PlacedBatch Placed => placed;

    public long Generation => generation;

    public TailBatch? Previous => _previous;

    /// <summary>Those before it are in segments by now.</summary>
    public void Cut() => _previous = null;

    /// <summary>The batches that hold any of the seqs <paramref name="from"/> to <paramref name="to"/>, the oldest first.</summary>
    /// <param name="newest">Null: none.</param>
    /// <param name="from">The first seq.</param>
    /// <param name="to">The last seq.</param>
    /// <param name="before">The last seq before those that were looked at: what is missing up to there is in segments.</param>
    public static List<LogBatch> Overlapping(TailBatch? newest, long from, long to, out long before)
    {
        before = long.MaxValue;
        var batches = new List<LogBatch>();
        for (var batch = newest; batch is not null && before >= from; batch = batch.Previous)
        {
            before = batch.Placed.Before;
            if (batch.Placed.Overlaps(from, to))
                batches.Add(batch.Placed.Batch);
        }

        batches.Reverse();
        return batches;
    }
}
