using Microsoft.Extensions.Logging;
using OrleansChat.Grains.Interfaces;

namespace OrleansChat.Grains.Storage;

/// <summary>
/// Syncs the data file's write-ahead log, on a thread of its own: transactions are written meanwhile, and all who ask while a sync is under way share the next.
/// </summary>
internal sealed partial class SqliteSync : IDisposable
{
    private readonly object _gate = new();
    private readonly Action _flush;
    private readonly Action _refused;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly ITimer _patience;
    private readonly Thread _thread;
    private TaskCompletionSource? _underWay;
    private TaskCompletionSource? _next;
    private long _askedAt;
    private long _underWaySince;
    private bool _isStalled;
    private bool _isComplete;

    /// <param name="flush">Asks the disk, and returns when it has all that was written.</param>
    /// <param name="time">Tells when the disk has taken too long.</param>
    /// <param name="logger">Hears of that, and of a disk that refuses.</param>
    /// <param name="refused">Called when the disk has refused.</param>
    public SqliteSync(Action flush, TimeProvider time, ILogger logger, Action refused)
    {
        (_flush, _time, _logger, _refused) = (flush, time, logger, refused);
        _patience = time.CreateTimer(static sync => ((SqliteSync)sync!).OnStalled(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _thread = new Thread(Run) { IsBackground = true, Name = "sqlite sync" };
        _thread.Start();
    }

    /// <summary>
    /// What the disk said when it refused, if it did. What it holds is not known then, and a later yes would not mean that it has what was lost before
    /// (PostgreSQL's "fsyncgate" of 2018, https://wiki.postgresql.org/wiki/Fsync_Errors): nothing is stored any more.
    /// </summary>
    public IOException? Failure { get; private set; }

    /// <inheritdoc cref="IStoreSync.SyncAsync"/>
    public Task SyncAsync()
    {
        lock (_gate)
        {
            if (Failure is not null)
                return Task.FromException(Failure);
            if (_isStalled || _isComplete)
                return Task.FromException(_isStalled ? Stalled() : new ObjectDisposedException(nameof(SqliteSync)));
            if (_next is null)
            {
                _next = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                _askedAt = _time.GetTimestamp();
                Monitor.Pulse(_gate);
            }

            return _next.Task;
        }
    }

    /// <summary>The disk has refused: this sync, or one of another kind, of which the same is true. Who waits hears of it at once, and the first time somebody is told.</summary>
    public void Refuse(Exception exception)
    {
        var failure = new IOException($"The data file could not be synced to the disk: {exception.Message} Nothing is stored any more, until a restart.", exception);
        TaskCompletionSource? first, second;
        lock (_gate)
        {
            if (Failure is not null)
                return;
            (Failure, first, second, _next) = (failure, _underWay, _next, null);
        }

        LogFailed(failure);
        first?.TrySetException(failure);
        second?.TrySetException(failure);
        try
        {
            _refused();
        }
        catch (Exception e)
        {
            LogUntold(e);
        }
    }

    /// <summary>Takes no more; syncs once more for those who wait.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _isComplete = true;
            Monitor.Pulse(_gate);
        }

        _thread.Join();
        _patience.Dispose();
    }

    private void Run()
    {
        while (TakeNext() is { } group)
        {
            _patience.Change(Left(), Timeout.InfiniteTimeSpan);
            try
            {
                _flush();
            }
            catch (Exception exception)
            {
                Refuse(exception);
            }

            _patience.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            OnEnded();
            group.TrySetResult(); // Unless they have heard of a failure.
        }
    }

    /// <returns>Null: there will be no more.</returns>
    private TaskCompletionSource? TakeNext()
    {
        lock (_gate)
        {
            while (!_isComplete && _next is null)
                Monitor.Wait(_gate);
            (_underWay, _underWaySince, _next) = (_next, _askedAt, null);
            return _underWay;
        }
    }

    private void OnEnded()
    {
        lock (_gate)
            (_underWay, _isStalled) = (null, false);
    }

    private void OnStalled()
    {
        TaskCompletionSource? first, second;
        lock (_gate)
        {
            if (_underWay is null || Failure is not null)
                return; // It ended as the time ran out.
            if (Left() is var left && left > TimeSpan.Zero)
            {
                // The next one is under way by now, or the timer was early: .NET's are, by a fraction of a millisecond.
                _patience.Change(left, Timeout.InfiniteTimeSpan);
                return;
            }

            (first, second) = (_underWay, _next);
            (_next, _isStalled) = (null, true);
        }

        LogStalled();
        first.TrySetException(Stalled());
        second?.TrySetException(Stalled());
    }

    /// <summary>How much longer those who wait for the sync under way are to wait, in whole milliseconds, as timers have it.</summary>
    private TimeSpan Left() =>
        TimeSpan.FromMilliseconds(Math.Max(0, Math.Ceiling((Deadlines.Sync - _time.GetElapsedTime(_underWaySince)).TotalMilliseconds)));

    private static TimeoutException Stalled() => new($"The data file was not synced to the disk within {Deadlines.Sync.TotalSeconds} s.");

    [LoggerMessage(Level = LogLevel.Error, Message = "The disk has not synced the data file for 1.5 s: nothing is acknowledged until it has. Messages are answered 'unavailable', and clients repeat them")]
    private partial void LogStalled();

    [LoggerMessage(Level = LogLevel.Critical, Message = "The disk refused to sync the data file, and what it holds is not known: nothing is stored and nothing acknowledged any more, and this process ends. Look after the disk")]
    private partial void LogFailed(Exception failure);

    [LoggerMessage(Level = LogLevel.Error, Message = "It could not be noted beside the data file that the disk refused: start the machine again before this process, or clients may not be told that they have seen more")]
    private partial void LogUntold(Exception e);
}
