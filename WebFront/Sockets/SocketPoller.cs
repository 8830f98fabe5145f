using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace OrleansChat.WebFront.Sockets;

/// <summary>
/// Tells sockets that there is something to read, or no more to come: <see href="https://man7.org/linux/man-pages/man7/epoll.7.html">epoll(7)</see>, edge-triggered, on a thread
/// that sleeps in the kernel. .NET's own, beneath <c>Socket.ReceiveAsync</c>, has every reader ask once more after each read whether that was all (decision 0032).
/// </summary>
internal sealed class SocketPoller
{
    private const int MaxEvents = 1_024;
    private const int CloseOnExec = 0x80000; // EPOLL_CLOEXEC
    private const int Add = 1; // EPOLL_CTL_ADD
    private const uint Readable = 0x1; // EPOLLIN
    private const uint HungUp = 0x10; // EPOLLHUP
    private const uint NoMoreToCome = 0x2000; // EPOLLRDHUP
    private const uint EdgeTriggered = 1u << 31; // EPOLLET

    // struct epoll_event: the events, and 64 bits of ours; packed on x64 only.
    private static readonly int DataAt = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 4 : 8;
    private static readonly int EventSize = DataAt + 8;

    private readonly Lock _gate = new();
    private readonly int _poll;

    // By descriptor: the kernel gives the lowest that is free. It may be given to the next one while its news for the last is still under way: hence the registration.
    private (PolledSocket? Socket, int Registration)[] _sockets = new (PolledSocket?, int)[1_024];
    private int _registrations;

    private SocketPoller(int poll)
    {
        _poll = poll;
        new Thread(Run) { IsBackground = true, Name = "socket poller" }.Start();
    }

    /// <summary>The process's; null where the system has no epoll, or gave none.</summary>
    public static SocketPoller? Shared { get; } = OperatingSystem.IsLinux() && CreatePoll(CloseOnExec) is >= 0 and var poll ? new SocketPoller(poll) : null;

    /// <summary>Watches a socket until it is closed.</summary>
    /// <returns>False: the kernel watches no more of them (<c>fs.epoll.max_user_watches</c>, memory).</returns>
    public bool TryAdd(PolledSocket socket)
    {
        int registration;
        lock (_gate)
        {
            if (socket.Descriptor >= _sockets.Length)
                Array.Resize(ref _sockets, Math.Max(socket.Descriptor + 1, _sockets.Length * 2));
            registration = ++_registrations;
            _sockets[socket.Descriptor] = (socket, registration);
        }

        Span<byte> request = stackalloc byte[16];
        BinaryPrimitives.WriteUInt32LittleEndian(request, Readable | NoMoreToCome | EdgeTriggered);
        BinaryPrimitives.WriteInt32LittleEndian(request[DataAt..], socket.Descriptor);
        BinaryPrimitives.WriteInt32LittleEndian(request[(DataAt + 4)..], registration);
        if (ControlPoll(_poll, Add, socket.Socket.SafeHandle, ref request[0]) == 0)
            return true;
        Remove(socket);
        return false;
    }

    /// <summary>Forgets a socket that is about to be closed, as the kernel then does by itself.</summary>
    public void Remove(PolledSocket socket)
    {
        lock (_gate)
        {
            if (_sockets[socket.Descriptor].Socket == socket)
                _sockets[socket.Descriptor] = default;
        }
    }

    private void Run()
    {
        var events = GC.AllocateArray<byte>(MaxEvents * EventSize, pinned: true);
        while (true)
        {
            var count = WaitPoll(_poll, ref events[0], MaxEvents, timeout: -1); // Less than 0: a signal came in between.
            for (var i = 0; i < count; i++)
            {
                var news = events.AsSpan(i * EventSize, EventSize);
                var isLast = (BinaryPrimitives.ReadUInt32LittleEndian(news) & (NoMoreToCome | HungUp)) != 0;
                Find(BinaryPrimitives.ReadInt32LittleEndian(news[DataAt..]), BinaryPrimitives.ReadInt32LittleEndian(news[(DataAt + 4)..]))?.OnReady(isLast);
            }
        }
    }

    private PolledSocket? Find(int descriptor, int registration)
    {
        lock (_gate)
            return _sockets[descriptor] is { Socket: { } socket } entry && entry.Registration == registration ? socket : null;
    }

    [DllImport("libc", EntryPoint = "epoll_create1")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int CreatePoll(int flags);

    [DllImport("libc", EntryPoint = "epoll_ctl")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int ControlPoll(int poll, int operation, SafeHandle descriptor, ref byte request);

    [DllImport("libc", EntryPoint = "epoll_wait")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int WaitPoll(int poll, ref byte events, int count, int timeout);
}
