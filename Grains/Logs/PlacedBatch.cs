namespace OrleansChat.Grains.Logs;

/// <summary>A batch and its place in its log.</summary>
/// <param name="Before">The last seq before it.</param>
/// <param name="Batch">The batch.</param>
internal readonly record struct PlacedBatch(long Before, LogBatch Batch)
{
    /// <summary>Whether it holds any of the seqs <paramref name="from"/> to <paramref name="to"/>.</summary>
    public bool Overlaps(long from, long to) => Batch.Last >= from && Before < to;

    public static PlacedBatch Read(BinaryReader reader) =>
        new(reader.ReadInt64(), new LogBatch(reader.ReadInt64(), reader.ReadInt64(), reader.ReadBytes(reader.ReadInt32())));

    public void Write(BinaryWriter writer)
    {
        writer.Write(Before);
        writer.Write(Batch.Last);
        writer.Write(Batch.Timestamp);
        writer.Write(Batch.Payload.Length);
        writer.Write(Batch.Payload.Span);
    }
}
