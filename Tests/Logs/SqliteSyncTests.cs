using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using OrleansChat.Grains.Interfaces;
using OrleansChat.Grains.Storage;
using OrleansChat.Tests.Support;

namespace OrleansChat.Tests.Logs;

/// <summary>Syncs of a disk that takes as long as the test says.</summary>
public sealed class SqliteSyncTests : IDisposable
{
    private readonly SlowDisk _disk = new();
    private readonly EarlyClock _time = new();
    private readonly CapturedLogs _logs = new();
    private readonly TaskCompletionSource _isRefused = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly SqliteSync _sync;

    public SqliteSyncTests() => _sync = new SqliteSync(_disk.Flush, _time, _logs.CreateLogger("sync"), () => _isRefused.SetResult());

    public void Dispose()
    {
        _disk.Let(int.MaxValue);
        _sync.Dispose();
        _logs.Dispose();
        _disk.Dispose();
    }

    [Fact]
    public async Task Nobody_goes_on_before_the_disk_has_it_and_all_who_ask_meanwhile_share_the_next_sync()
    {
        var first = _sync.SyncAsync();
        await _disk.BegunAsync(1);
        Task[] others = [_sync.SyncAsync(), _sync.SyncAsync(), _sync.SyncAsync()];

        Assert.False(first.IsCompleted);
        _disk.Let(1);
        await first.Soon("the first sync ends");
        await _disk.BegunAsync(2);
        Assert.DoesNotContain(others, other => other.IsCompleted);
        _disk.Let(1);
        await Task.WhenAll(others).Soon("the second sync ends");
        Assert.Equal(2, _disk.Begun);
    }

    [Fact]
    public async Task A_disk_that_does_not_answer_fails_those_who_wait_when_they_have_waited_long_enough_and_who_asks_then_at_once_until_it_does()
    {
        var first = _sync.SyncAsync();
        await _disk.BegunAsync(1);
        var second = _sync.SyncAsync();

        _time.Advance(Deadlines.Sync - TimeSpan.FromMilliseconds(0.5)); // The timer fires, too early.
        Assert.False(first.IsCompleted || second.IsCompleted);
        _time.Advance(TimeSpan.FromMilliseconds(1));

        await Assert.ThrowsAsync<TimeoutException>(() => first.Soon("the first has waited too long"));
        await Assert.ThrowsAsync<TimeoutException>(() => second.Soon("so has the second"));
        await Assert.ThrowsAsync<TimeoutException>(() => _sync.SyncAsync().Soon("there is no answer yet"));
        Assert.Single(_logs.Lines, line => line.Level == LogLevel.Error);

        _disk.Let(int.MaxValue);
        Func<bool> answers = () => !_sync.SyncAsync().IsFaulted;
        await answers.Soon("the disk answers again");
        await _sync.SyncAsync().Soon("a sync ends");
        Assert.Null(_sync.Failure);
    }

    [Fact]
    public async Task A_disk_that_refused_is_not_asked_again()
    {
        var first = _sync.SyncAsync();
        await _disk.BegunAsync(1);
        var second = _sync.SyncAsync();
        _disk.Refuse(new IOException("Input/output error."));

        foreach (var asked in new[] { first, second, _sync.SyncAsync() })
            Assert.Contains("Input/output error.", (await Assert.ThrowsAsync<IOException>(() => asked.Soon("the disk refused"))).Message, StringComparison.Ordinal);
        Assert.NotNull(_sync.Failure);
        Assert.Equal(1, _disk.Begun);
        Assert.Single(_logs.Lines, line => line.Level == LogLevel.Critical);
        await _isRefused.Task.Soon("somebody is told");
    }

    [Fact]
    public async Task A_refusal_of_another_sync_is_the_end_of_these_too_and_is_told_once()
    {
        var first = _sync.SyncAsync();
        await _disk.BegunAsync(1);
        var second = _sync.SyncAsync();

        _sync.Refuse(new IOException("Input/output error."));
        await Assert.ThrowsAsync<IOException>(() => first.Soon("whatever the disk says to this one"));
        await Assert.ThrowsAsync<IOException>(() => second.Soon("the disk is not asked again"));
        _disk.Let(1);
        await Assert.ThrowsAsync<IOException>(() => _sync.SyncAsync().Soon("nor is it asked again"));
        await _isRefused.Task.Soon("somebody is told");
        Assert.Equal(1, _disk.Begun);
        Assert.Single(_logs.Lines, line => line.Level == LogLevel.Critical);
    }

    [Fact]
    public async Task Who_waits_when_it_is_disposed_is_synced_and_who_asks_later_is_refused()
    {
        var first = _sync.SyncAsync();
        await _disk.BegunAsync(1);
        var second = _sync.SyncAsync();
        _disk.Let(2);

        _sync.Dispose();

        await Task.WhenAll(first, second).Soon("both were synced");
        await Assert.ThrowsAsync<ObjectDisposedException>(_sync.SyncAsync);
    }

    /// <summary>Its timers are half a millisecond early, as .NET's may be.</summary>
    private sealed class EarlyClock : FakeTimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            new EarlyTimer(base.CreateTimer(callback, state, dueTime, period));

        private sealed class EarlyTimer(ITimer inner) : ITimer
        {
            public bool Change(TimeSpan dueTime, TimeSpan period) =>
                inner.Change(dueTime > TimeSpan.FromMilliseconds(1) ? dueTime - TimeSpan.FromMilliseconds(0.5) : dueTime, period);

            public void Dispose() => inner.Dispose();

            public ValueTask DisposeAsync() => inner.DisposeAsync();
        }
    }

    /// <summary>Ends its flushes when the test lets it.</summary>
    private sealed class SlowDisk : IDisposable
    {
        private readonly SemaphoreSlim _let = new(0);
        private readonly Lock _gate = new();
        private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private Exception? _refusal;

        public int Begun { get; private set; }

        public void Let(int flushes) => _let.Release(Math.Min(flushes, 1_000_000));

        public void Refuse(Exception refusal)
        {
            _refusal = refusal;
            Let(1);
        }

        public void Flush()
        {
            lock (_gate)
            {
                Begun++;
                _changed.TrySetResult();
                _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
            }

            _let.Wait();
            if (_refusal is not null)
                throw _refusal;
        }

        /// <summary>So many flushes have begun.</summary>
        public async Task BegunAsync(int flushes)
        {
            while (true)
            {
                Task changed;
                lock (_gate)
                {
                    if (Begun >= flushes)
                        return;
                    changed = _changed.Task;
                }

                await changed.Soon($"flush {flushes} begins");
            }
        }

        public void Dispose() => _let.Dispose();
    }
}
