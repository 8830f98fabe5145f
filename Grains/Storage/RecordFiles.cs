using Microsoft.Win32.SafeHandles;

namespace OrleansChat.Grains.Storage;

/// <summary>
/// Two <see cref="RecordFile"/>s beside the data file, written in turn: when one is full the other one is begun anew, as soon as all that is in it has found another place. Until then the full one grows.
/// </summary>
/// <remarks>One thread at a time writes. <see cref="Flush"/> may be called beside it.</remarks>
/// <param name="path">What they are named after.</param>
/// <param name="length">When a file is full, in bytes.</param>
internal sealed class RecordFiles(string path, int length) : IDisposable
{
    /// <summary>How long they are if nobody says otherwise, 8 MB: a start reads them.</summary>
    public const int DefaultLength = 8 * 1024 * 1024;

    /// <summary>How many times as long a file gets while the other one is not free.</summary>
    public const int Growth = 4;

    private readonly RecordFile[] _files = [new(path + "-log1", length), new(path + "-log2", length)];
    private volatile int _written;
    private volatile bool _isOtherFree = true;

    /// <summary>That of the file which is written.</summary>
    public long Generation => Written.Generation;

    /// <summary>Whether the file that is not written may be. <see cref="FreeOther"/> says so, until it is written.</summary>
    public bool IsOtherFree => _isOtherFree;

    /// <summary>How much longer the file that is written is than it should be, in bytes: whoever is in the other one is to leave it.</summary>
    public long Excess => Math.Max(0, Written.End - length);

    private RecordFile Written => _files[_written];

    /// <summary>What a process that died has left, in the order in which it was written.</summary>
    public IEnumerable<byte[]> Read() => _files.Select(file => file.Read()).OrderBy(read => read.Generation).SelectMany(read => read.Records);

    /// <summary>
    /// All that is in both has found another place, that is on the disk. Once, before the first record, and <see cref="Flush"/> has to follow. Generations begin at random: what another process has left is not taken
    /// for what follows on ours.
    /// </summary>
    public void BeginAnew()
    {
        foreach (var file in _files)
            file.Clear();
        Written.BeginAnew(Random.Shared.NextInt64(1, long.MaxValue / 2));
    }

    /// <summary>Writes a record, into the other file where this one is full.</summary>
    /// <param name="record">See <see cref="RecordFile.Write"/>.</param>
    /// <returns>False: there is no space until the other file is free.</returns>
    /// <exception cref="IOException">The disk is full, or broken; it was not written.</exception>
    public bool TryWrite(Span<byte> record)
    {
        if (Written.End > 0 && Written.End + record.Length > length)
        {
            if (_isOtherFree)
            {
                _files[1 - _written].BeginAnew(Generation + 1);
                _written = 1 - _written;
                _isOtherFree = false; // Last: who sees this frees the one that was full.
            }
            else if (Written.End + record.Length > Growth * (long)length)
            {
                return false;
            }
        }

        try
        {
            Written.Write(record);
            return true;
        }
        catch (IOException) when (!_isOtherFree && Written.End > 0 && Written.End + record.Length > length)
        {
            return false; // It cannot grow; but there may be space in the data file.
        }
    }

    /// <summary>What is in the file that is not written has found another place, that is on the disk.</summary>
    public void FreeOther() => _isOtherFree = true;

    /// <summary>Has the disk take what was written before.</summary>
    /// <param name="flush">Asks the disk.</param>
    public void Flush(Action<SafeFileHandle> flush)
    {
        foreach (var file in _files)
            file.Flush(flush);
    }

    /// <summary>Nobody needs what is in them: they go.</summary>
    public void Delete()
    {
        Dispose();
        try
        {
            foreach (var file in _files)
                File.Delete(file.Path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A start that finds them takes nothing from them: all that is in them is in its place.
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var file in _files)
            file.Dispose();
    }
}
