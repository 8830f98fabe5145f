namespace OrleansChat.Tests.Support;

/// <summary>A thread pool that always has something ready: more than it has threads. It is everybody's pool: tests that use it are <see cref="Alone"/>.</summary>
internal sealed class BusyPool : IDisposable, IThreadPoolWorkItem
{
    private volatile bool _isOver;

    public BusyPool()
    {
        for (var i = 0; i < 256 + ThreadPool.ThreadCount; i++)
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    public void Execute()
    {
        if (!_isOver)
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    public void Dispose() => _isOver = true;
}
