namespace OrleansChat.Grains.Logs;

/// <summary>A batch as the <see cref="LogJournal"/> keeps it.</summary>
/// <param name="Room">The room's name.</param>
/// <param name="Epoch">Its log's epoch.</param>
/// <param name="Placed">The batch.</param>
internal readonly record struct JournalBatch(string Room, string Epoch, PlacedBatch Placed)
{
    /// <summary>Where the log ended before it.</summary>
    public LogPosition Expected => new(Epoch, Placed.Before);

    /// <summary>Where it ends with it.</summary>
    public LogPosition End => new(Epoch, Placed.Batch.Last);

    public static JournalBatch Read(BinaryReader reader) => new(reader.ReadString(), reader.ReadString(), PlacedBatch.Read(reader));

    public void Write(BinaryWriter writer)
    {
        writer.Write(Room);
        writer.Write(Epoch);
        Placed.Write(writer);
    }
}
