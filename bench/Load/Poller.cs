using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace OrleansChat.Bench.Load;

/// <summary>Waits for sockets (epoll, level-triggered). One thread owns it.</summary>
internal sealed unsafe class Poller : IDisposable
{
    private const int MaxEvents = 512;
    private const int Add = 1;
    private const int Modify = 3;

    // struct epoll_event is packed on x64 only.
    private static readonly int DataOffset = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 4 : 8;
    private static readonly int EventSize = DataOffset + 8;

    private readonly int _descriptor = Posix.CreatePoll(0);
    private readonly byte[] _events = GC.AllocateArray<byte>(MaxEvents * EventSize, pinned: true);

    public void Watch(int descriptor, int key, int events) => Control(Add, descriptor, key, events);

    public void Change(int descriptor, int key, int events) => Control(Modify, descriptor, key, events);

    /// <summary>Waits until a socket is ready or the time is over.</summary>
    /// <param name="timeout">Nanoseconds; 0: does not wait.</param>
    /// <returns>How many <see cref="this[int]"/> holds.</returns>
    public int Wait(long timeout)
    {
        var span = stackalloc long[2];
        (span[0], span[1]) = (timeout / 1_000_000_000, timeout % 1_000_000_000);
        fixed (byte* events = _events)
            return Math.Max(0, Posix.WaitPoll(_descriptor, events, MaxEvents, span, null));
    }

    /// <summary>What became ready.</summary>
    public (int Key, int Events) this[int index]
    {
        get
        {
            var entry = _events.AsSpan(index * EventSize, EventSize);
            return (BinaryPrimitives.ReadInt32LittleEndian(entry[DataOffset..]), BinaryPrimitives.ReadInt32LittleEndian(entry));
        }
    }

    public void Dispose() => _ = Posix.Close(_descriptor);

    private void Control(int operation, int descriptor, int key, int events)
    {
        var request = stackalloc byte[16];
        var span = new Span<byte>(request, 16);
        span.Clear();
        BinaryPrimitives.WriteInt32LittleEndian(span, events);
        BinaryPrimitives.WriteInt32LittleEndian(span[DataOffset..], key);
        if (Posix.ControlPoll(_descriptor, operation, descriptor, request) != 0)
            throw new LoadException($"epoll_ctl: {Posix.LastErrorText}");
    }
}
