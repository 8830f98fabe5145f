namespace OrleansChat.Grains.Logs;

/// <summary>A batch at the end of a room's log, and those before it that are not in a segment yet. Never changed: whoever has the newest has them all.</summary>
/// <param name="Placed">The batch.</param>
/// <param name="Previous">The one before it; null where that is in a segment, or there is none.</param>
internal sealed record TailBatch(PlacedBatch Placed, TailBatch? Previous)
{
    /// <summary>This one and those before it, the oldest first.</summary>
    public IReadOnlyCollection<PlacedBatch> Ascending()
    {
        var batches = new Stack<PlacedBatch>();
        for (var batch = this; batch is not null; batch = batch.Previous)
            batches.Push(batch.Placed);
        return batches;
    }
}
