using Microsoft.Win32.SafeHandles;

namespace OrleansChat.Tests.Logs;

/// <summary>What a disk has of the files beside a data file: what each of them was when it was flushed the last time.</summary>
/// <remarks>They are told apart by how they begin; which of the two others is which is of no account.</remarks>
internal sealed class Disk
{
    private readonly Dictionary<SafeFileHandle, byte[]> _files = [];

    public void Flush(SafeFileHandle file)
    {
        var bytes = new byte[RandomAccess.GetLength(file)];
        RandomAccess.Read(file, bytes, 0);
        lock (_files)
            _files[file] = bytes;
    }

    public void Write(string path)
    {
        lock (_files)
        {
            var logs = 0;
            foreach (var bytes in _files.Values)
            {
                if (bytes is not [(byte)'S', (byte)'Q', (byte)'L', ..])
                    File.WriteAllBytes(path + (bytes is [0x37, 0x7f, 0x06, ..] ? "-wal" : $"-log{++logs}"), bytes);
            }
        }
    }
}
