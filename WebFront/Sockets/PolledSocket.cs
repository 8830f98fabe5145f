using System.Net.Sockets;
using System.Threading.Tasks.Sources;

namespace OrleansChat.WebFront.Sockets;

/// <summary>
/// A plain socket that does not block. Its reader waits until there is something, and reads: one call of the kernel a message where a <see cref="SocketPoller"/> watches it,
/// two where .NET does. For one reader at a time, who may find nothing after a wait, and waits again.
/// </summary>
internal sealed class PolledSocket : IValueTaskSource<int>, IThreadPoolWorkItem, IDisposable
{
    private readonly SocketPoller? _poller;
    private ManualResetValueTaskSourceCore<int> _wait;
    private State _state;
    private volatile bool _isLast;

    /// <param name="socket">A connected one; it is this one's from now on.</param>
    /// <param name="poller">Null: .NET watches the socket.</param>
    public PolledSocket(Socket socket, SocketPoller? poller)
    {
        Socket = socket;
        Descriptor = (int)socket.SafeHandle.DangerousGetHandle();
        socket.Blocking = false;
        if (poller?.TryAdd(this) == true)
            _poller = poller;
    }

    private enum State
    {
        /// <summary>Nothing was told since the last wait.</summary>
        Quiet,

        /// <summary>The reader waits.</summary>
        Waiting,

        /// <summary>There may be something to read.</summary>
        Ready,
    }

    /// <summary>Its number in the kernel.</summary>
    public int Descriptor { get; }

    /// <summary>For what is written, and all else that is asked of it.</summary>
    public Socket Socket { get; }

    /// <summary>Waits until there is something to read, or no more to come.</summary>
    /// <returns>Nothing of meaning.</returns>
    public ValueTask<int> WaitAsync()
    {
        if (_poller is null)
            return Socket.ReceiveAsync(Memory<byte>.Empty, SocketFlags.None);
        if (_isLast)
            return ValueTask.FromResult(0);
        _wait.Reset();
        if (Interlocked.CompareExchange(ref _state, State.Waiting, State.Quiet) == State.Quiet)
            return new ValueTask<int>(this, _wait.Version);
        Interlocked.Exchange(ref _state, State.Quiet);
        return ValueTask.FromResult(0);
    }

    /// <inheritdoc cref="WaitAsync()"/>
    /// <exception cref="OperationCanceledException">The next wait ends at once: it may have come to something.</exception>
    public async ValueTask<int> WaitAsync(CancellationToken cancelled)
    {
        if (_poller is null)
            return await Socket.ReceiveAsync(Memory<byte>.Empty, SocketFlags.None, cancelled);
        await using (cancelled.UnsafeRegister(static socket => ((PolledSocket)socket!).OnReady(isLast: false), this))
            await WaitAsync();
        if (cancelled.IsCancellationRequested)
            OnReady(isLast: false);
        cancelled.ThrowIfCancellationRequested();
        return 0;
    }

    /// <summary>Reads what there is.</summary>
    /// <returns>How many bytes were read; 0 at the end; less than 0 where there is nothing to read for now.</returns>
    /// <exception cref="SocketException">The client is gone.</exception>
    public int Receive(Span<byte> buffer)
    {
        var count = Socket.Receive(buffer, SocketFlags.None, out var error);
        if (error == SocketError.WouldBlock)
            return -1;
        if (error != SocketError.Success)
            throw new SocketException((int)error);
        // Less than fits was all there was, and the poller tells what comes from now on (epoll(7)).
        if (count == buffer.Length)
            OnReady(isLast: false);
        return count;
    }

    /// <summary>There may be something to read. Any thread may say so at any time.</summary>
    /// <param name="isLast">And no more is to come: from now on no wait is one, until the reader has found the end. It has to be true.</param>
    public void OnReady(bool isLast)
    {
        if (isLast)
            _isLast = true;
        // Where somebody else wakes the reader in between, it reads after this was called.
        if (Interlocked.CompareExchange(ref _state, State.Ready, State.Quiet) == State.Waiting
            && Interlocked.CompareExchange(ref _state, State.Quiet, State.Waiting) == State.Waiting)
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    /// <summary>Closes the socket. Who waits or reads finds it closed.</summary>
    public void Dispose()
    {
        _poller?.Remove(this);
        Socket.Dispose();
        OnReady(isLast: true);
    }

    void IThreadPoolWorkItem.Execute() => _wait.SetResult(0);

    int IValueTaskSource<int>.GetResult(short token) => _wait.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<int>.GetStatus(short token) => _wait.GetStatus(token);

    void IValueTaskSource<int>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _wait.OnCompleted(continuation, state, token, flags);
}
