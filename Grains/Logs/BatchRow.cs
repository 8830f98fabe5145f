using System.Text;

namespace OrleansChat.Grains.Logs;

/// <summary>Batches one behind the other, as a row of the data file holds them.</summary>
internal static class BatchRow
{
    public static ReadOnlyMemory<byte> Encode<T>(IReadOnlyCollection<T> batches, Action<T, BinaryWriter> write)
    {
        using var row = new MemoryStream();
        using var writer = new BinaryWriter(row, Encoding.UTF8);
        foreach (var batch in batches)
            write(batch, writer);
        return row.GetBuffer().AsMemory(0, (int)row.Length);
    }

    public static IEnumerable<T> Decode<T>(byte[] row, Func<BinaryReader, T> read)
    {
        using var reader = new BinaryReader(new MemoryStream(row), Encoding.UTF8);
        while (reader.BaseStream.Position < row.Length)
            yield return read(reader);
    }
}
