using System.Text;

namespace OrleansChat.Grains.Logs;

/// <summary>A row of the <see cref="LogJournal"/>: batches of any rooms.</summary>
internal static class JournalRow
{
    public static ReadOnlyMemory<byte> Encode(IReadOnlyList<JournalBatch> batches)
    {
        using var row = new MemoryStream();
        using var writer = new BinaryWriter(row, Encoding.UTF8);
        foreach (var (room, epoch, batch) in batches)
        {
            writer.Write(room);
            writer.Write(epoch);
            batch.Write(writer);
        }
        return row.GetBuffer().AsMemory(0, (int)row.Length);
    }

    public static IEnumerable<JournalBatch> Decode(byte[] row)
    {
        using var reader = new BinaryReader(new MemoryStream(row), Encoding.UTF8);
        while (reader.BaseStream.Position < row.Length)
            yield return new JournalBatch(reader.ReadString(), reader.ReadString(), PlacedBatch.Read(reader));
    }
}

/// <param name="Room">The room's name.</param>
/// <param name="Epoch">Its log's epoch.</param>
/// <param name="Placed">The batch.</param>
internal readonly record struct JournalBatch(string Room, string Epoch, PlacedBatch Placed)
{
    /// <summary>Where the log ended before it.</summary>
    public LogPosition Expected => new(Epoch, Placed.Before);

    /// <summary>Where it ends with it.</summary>
    public LogPosition End => new(Epoch, Placed.Batch.Last);
}
