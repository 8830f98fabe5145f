using System.Buffers.Binary;
using System.IO.Hashing;
using Microsoft.Win32.SafeHandles;

namespace OrleansChat.Grains.Storage;

/// <summary>
/// Records one behind the other in a file, that is written from its beginning again when nobody needs them any more. What is written survives the process at once, and
/// a power cut when it was flushed.
/// </summary>
/// <remarks>
/// A record: the length of its body (4 bytes), the file's generation (8), XxHash3 of the body with the generation as seed (8), all little endian, and the body. The file ends where a record is
/// not whole or of another generation: one that was under way when the process or the machine went down, or what is left of the generation before.
/// </remarks>
internal sealed class RecordFile : IDisposable
{
    /// <summary>Bytes before a record's body.</summary>
    public const int HeadBytes = 20;

    private readonly FileStream _file;
    private readonly SafeFileHandle _handle; // FileStream seeks whenever it is asked for it.
    private long _generation;
    private int _isDirty = 1;

    /// <summary>Opens the file, creating it (mode 0600) where it is missing.</summary>
    /// <param name="path">Where.</param>
    /// <param name="length">How long it is from the start, in bytes, of zeros: where nothing but contents change a flush is one write, and else it is one of the file system's journal too.</param>
    public RecordFile(string path, int length)
    {
        var options = new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.ReadWrite | FileShare.Delete, BufferSize = 0 };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        _file = new FileStream(path, options);
        _handle = _file.SafeFileHandle;
        var zeros = new byte[1024 * 1024];
        for (var at = _file.Length; at < length; at += zeros.Length)
            RandomAccess.Write(_handle, zeros.AsSpan(0, (int)Math.Min(zeros.Length, length - at)), at);
    }

    /// <summary>Where it is.</summary>
    public string Path => _file.Name;

    /// <summary>Another one each time it is begun anew; 0 before the first time.</summary>
    public long Generation => Volatile.Read(ref _generation);

    /// <summary>Where the next record goes.</summary>
    public long End { get; private set; }

    /// <summary>Reads what is in it, before it is begun anew.</summary>
    /// <returns>The generation and the records' bodies in the order in which they were written; 0 and nothing where there is none.</returns>
    public (long Generation, List<byte[]> Records) Read()
    {
        var bytes = new byte[RandomAccess.GetLength(_handle)];
        var length = 0;
        while (length < bytes.Length && RandomAccess.Read(_handle, bytes.AsSpan(length), length) is > 0 and var read)
            length += read;
        var records = new List<byte[]>();
        var generation = 0L;
        for (var left = bytes.AsMemory(0, length); left.Length > HeadBytes;)
        {
            var head = left.Span;
            var body = BinaryPrimitives.ReadInt32LittleEndian(head);
            var of = BinaryPrimitives.ReadInt64LittleEndian(head[4..]);
            if (body <= 0 || body > left.Length - HeadBytes || (records.Count > 0 && of != generation)
                || BinaryPrimitives.ReadUInt64LittleEndian(head[12..]) != XxHash3.HashToUInt64(head.Slice(HeadBytes, body), of))
                break;
            generation = of;
            records.Add(left.Slice(HeadBytes, body).ToArray());
            left = left[(HeadBytes + body)..];
        }

        return (generation, records);
    }

    /// <summary>Has it hold no records. A start does: what a power cut left of another process must not be found behind a later one's.</summary>
    /// <exception cref="IOException">The disk is full, or broken.</exception>
    public void Clear()
    {
        RandomAccess.Write(_handle, new byte[HeadBytes], 0);
        Volatile.Write(ref _isDirty, 1);
    }

    /// <summary>The next record is the first.</summary>
    /// <param name="generation">Another than any that can be found behind it.</param>
    public void BeginAnew(long generation)
    {
        Volatile.Write(ref _generation, generation);
        End = 0;
    }

    /// <summary>Writes a record. Where that fails the next one takes its place.</summary>
    /// <param name="record"><see cref="HeadBytes"/> bytes, which are filled in, and the body.</param>
    /// <exception cref="IOException">The disk is full, or broken.</exception>
    public void Write(Span<byte> record)
    {
        var body = record[HeadBytes..];
        BinaryPrimitives.WriteInt32LittleEndian(record, body.Length);
        BinaryPrimitives.WriteInt64LittleEndian(record[4..], _generation);
        BinaryPrimitives.WriteUInt64LittleEndian(record[12..], XxHash3.HashToUInt64(body, _generation));
        RandomAccess.Write(_handle, record, End);
        End += record.Length;
        Volatile.Write(ref _isDirty, 1);
    }

    /// <summary>Has the disk take what was written before, where there is something.</summary>
    public void Flush(Action<SafeFileHandle> flush)
    {
        if (Interlocked.Exchange(ref _isDirty, 0) != 0)
            flush(_handle);
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();
}
