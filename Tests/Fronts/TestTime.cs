using Microsoft.Extensions.Time.Testing;

namespace OrleansChat.Tests.Fronts;

/// <summary>A clock that knows how many wait for it: it must not run ahead of those who are busy, or what they do seems to take minutes.</summary>
internal sealed class TestTime : FakeTimeProvider
{
    private int _waiting;

    /// <summary>Timers that run.</summary>
    public int Waiting => Volatile.Read(ref _waiting);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Timer(this, base.CreateTimer(callback, state, dueTime, period));
        timer.Count(dueTime);
        return timer;
    }

    private sealed class Timer(TestTime time, ITimer inner) : ITimer
    {
        private readonly Lock _gate = new();
        private bool _isCounted;
        private bool _isDisposed;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            var changed = inner.Change(dueTime, period);
            Count(dueTime);
            return changed;
        }

        /// <summary>After it runs, and not before: who is about to start it is still busy.</summary>
        public void Count(TimeSpan dueTime)
        {
            lock (_gate)
            {
                var runs = !_isDisposed && dueTime != Timeout.InfiniteTimeSpan;
                if (runs != _isCounted)
                    Interlocked.Add(ref time._waiting, runs ? 1 : -1);
                _isCounted = runs;
            }
        }

        public void Dispose()
        {
            inner.Dispose();
            lock (_gate)
                _isDisposed = true;
            Count(Timeout.InfiniteTimeSpan);
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
