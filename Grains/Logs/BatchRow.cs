using System.Text;

namespace OrleansChat.Grains.Logs;

/// <summary>Batches one behind the other, as a row of the data file holds them.</summary>
internal static class BatchRow
{
    private const int MaxKept = 1024 * 1024;

    [ThreadStatic]
    private static MemoryStream? _row;

    /// <returns>Valid until this thread encodes the next.</returns>
    public static ReadOnlyMemory<byte> Encode<T>(IReadOnlyCollection<T> batches, Action<T, BinaryWriter> write)
    {
        var row = _row is { Capacity: <= MaxKept } kept ? kept : _row = new MemoryStream();
        row.SetLength(0);
        using var writer = new BinaryWriter(row, Encoding.UTF8, leaveOpen: true);
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
