namespace OrleansChat.Grains.Logs;

/// <summary>A batch at the end of a room's log, and those before it that are not in a segment yet. Never changed: whoever has the newest has them all.</summary>
/// <param name="Placed">The batch.</param>
/// <param name="Previous">The one before it; null where that is in a segment, or there is none.</param>
internal sealed record TailBatch(PlacedBatch Placed, TailBatch? Previous)
{
    /// <summary>This one and those before it, the oldest first.</summary>
    public PlacedBatch[] Ascending()
    {
        var count = 0;
        for (var batch = this; batch is not null; batch = batch.Previous)
            count++;
        var batches = new PlacedBatch[count];
        for (var batch = this; batch is not null; batch = batch.Previous)
            batches[--count] = batch.Placed;
        return batches;
    }
}
