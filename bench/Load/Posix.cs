using System.Buffers.Binary;
using System.Net;
using System.Runtime.InteropServices;

namespace OrleansChat.Bench.Load;

/// <summary>
/// The few system calls of the loop. <see cref="System.Net.Sockets.Socket"/> would do its own polling on a thread of its own and hand every read to
/// another: the generator would cost more than the servers it drives.
/// </summary>
internal static unsafe partial class Posix
{
    public const int Again = 11;
    public const int InProgress = 115;
    public const int PollIn = 0x1;
    public const int PollOut = 0x4;
    private const int AddressFamilyInet = 2;
    private const int AddressLength = 16;
    private const int Ip = 0;
    private const int BindAddressNoPort = 24; // The port is chosen at the connect, by the whole pair of addresses.
    private const int StreamNonBlockingCloseOnExec = 1 | 0x800 | 0x80000;
    private const int Tcp = 6;
    private const int NoDelay = 1;
    private const int NoSignal = 0x4000;
    private const int SetTimerSlack = 29;
    private const int MaxOpenFiles = 7;

    public static int LastError => Marshal.GetLastPInvokeError();

    public static string LastErrorText => Marshal.GetPInvokeErrorMessage(LastError);

    /// <summary>Begins to connect; the poller tells when it is done.</summary>
    /// <param name="address">The server.</param>
    /// <param name="number">
    /// Which of the connections it is. On loopback 8,192 share a source address: when half of the 28,000 ports of one are taken, the kernel looks through thousands
    /// of them at each connect, on this core.
    /// </param>
    /// <returns>The descriptor, or -1.</returns>
    public static int Connect(IPEndPoint address, int number)
    {
        var descriptor = Socket(AddressFamilyInet, StreamNonBlockingCloseOnExec, 0);
        if (descriptor < 0)
            return -1;
        var on = 1;
        _ = SetSocketOption(descriptor, Tcp, NoDelay, &on, sizeof(int));
        _ = SetSocketOption(descriptor, Ip, BindAddressNoPort, &on, sizeof(int));
        var name = stackalloc byte[AddressLength];
        if (IPAddress.IsLoopback(address.Address))
        {
            Write(new IPEndPoint(new IPAddress([127, 0, 0, (byte)(1 + (number / 8_192))]), 0), name);
            _ = Bind(descriptor, name, AddressLength);
        }

        Write(address, name);
        if (Connect(descriptor, name, AddressLength) == 0 || LastError == InProgress)
            return descriptor;
        var error = LastError;
        _ = Close(descriptor);
        Marshal.SetLastPInvokeError(error);
        return -1;
    }

    /// <returns>Bytes received; 0: the other side is done; -1: see <see cref="LastError"/>.</returns>
    public static int Receive(int descriptor, Span<byte> bytes)
    {
        fixed (byte* start = bytes)
            return (int)Receive(descriptor, start, (nuint)bytes.Length, 0);
    }

    /// <returns>Bytes sent, or -1.</returns>
    public static int Send(int descriptor, ReadOnlySpan<byte> bytes)
    {
        fixed (byte* start = bytes)
            return (int)Send(descriptor, start, (nuint)bytes.Length, NoSignal);
    }

    /// <summary>Lets this thread's waits end when they are due rather than up to 50 µs later.</summary>
    public static void SharpenTimers() => _ = Control(SetTimerSlack, 1, 0, 0, 0);

    /// <summary>Descriptors that this process may have open.</summary>
    public static long OpenFilesLimit()
    {
        var limits = stackalloc ulong[2];
        return GetLimit(MaxOpenFiles, limits) == 0 ? (long)Math.Min(limits[0], long.MaxValue) : long.MaxValue;
    }

    private static void Write(IPEndPoint address, byte* name)
    {
        var span = new Span<byte>(name, AddressLength);
        span.Clear();
        span[0] = AddressFamilyInet;
        BinaryPrimitives.WriteUInt16BigEndian(span[2..], (ushort)address.Port);
        address.Address.TryWriteBytes(span[4..], out _);
    }

    [LibraryImport("libc", EntryPoint = "close")]
    public static partial int Close(int descriptor);

    [LibraryImport("libc", EntryPoint = "epoll_create1", SetLastError = true)]
    public static partial int CreatePoll(int flags);

    [LibraryImport("libc", EntryPoint = "epoll_ctl", SetLastError = true)]
    public static partial int ControlPoll(int poll, int operation, int descriptor, byte* request);

    [LibraryImport("libc", EntryPoint = "epoll_pwait2", SetLastError = true)]
    public static partial int WaitPoll(int poll, byte* events, int count, long* timeout, void* signals);

    [LibraryImport("libc", EntryPoint = "socket", SetLastError = true)]
    private static partial int Socket(int family, int type, int protocol);

    [LibraryImport("libc", EntryPoint = "bind", SetLastError = true)]
    private static partial int Bind(int descriptor, byte* address, uint length);

    [LibraryImport("libc", EntryPoint = "connect", SetLastError = true)]
    private static partial int Connect(int descriptor, byte* address, uint length);

    [LibraryImport("libc", EntryPoint = "setsockopt", SetLastError = true)]
    private static partial int SetSocketOption(int descriptor, int level, int name, int* value, uint length);

    [LibraryImport("libc", EntryPoint = "recv", SetLastError = true)]
    private static partial nint Receive(int descriptor, byte* bytes, nuint length, int flags);

    [LibraryImport("libc", EntryPoint = "send", SetLastError = true)]
    private static partial nint Send(int descriptor, byte* bytes, nuint length, int flags);

    [LibraryImport("libc", EntryPoint = "prctl")]
    private static partial int Control(int option, nuint first, nuint second, nuint third, nuint fourth);

    [LibraryImport("libc", EntryPoint = "getrlimit")]
    private static partial int GetLimit(int resource, ulong* limits);
}
