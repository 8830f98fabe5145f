using System.Diagnostics.CodeAnalysis;
using System.Text;
using OrleansChat.Grains.Storage;

namespace OrleansChat.Grains.Logs;

/// <summary>Where a record of batches is put together, one record after the other.</summary>
[SuppressMessage("Design", "CA1001", Justification = "It is all memory.")]
internal sealed class RecordBuffer
{
    /// <summary>Bytes that stay; what a large batch made it grow to goes.</summary>
    private const int Kept = 1024 * 1024;

    private MemoryStream _bytes = null!;
    private BinaryWriter _writer = null!;

    public RecordBuffer() => Begin();

    public bool HasBatches => _bytes.Length > RecordFile.HeadBytes;

    /// <summary>As <see cref="RecordFiles.TryWrite"/> wants it; valid until something else is put in.</summary>
    public Span<byte> Bytes => _bytes.GetBuffer().AsSpan(0, (int)_bytes.Length);

    public void Clear()
    {
        if (_bytes.Capacity > Kept)
            Begin();
        _bytes.SetLength(RecordFile.HeadBytes);
        _bytes.Position = RecordFile.HeadBytes;
    }

    public void Add(JournalBatch batch) => batch.Write(_writer);

    /// <returns><see cref="Bytes"/>, with this batch alone.</returns>
    public Span<byte> Encode(JournalBatch batch)
    {
        Clear();
        Add(batch);
        return Bytes;
    }

    private void Begin()
    {
        _bytes = new MemoryStream();
        _writer = new BinaryWriter(_bytes, Encoding.UTF8);
    }
}
