using Microsoft.Extensions.Logging;
using OrleansChat.Grains.Storage;

namespace OrleansChat.Grains.Logs;

/// <summary>Has what was appended moved to <see cref="LogSegments"/>, by the data file's writer: when one of the <see cref="RecordFiles"/> is full, so that it can be used again, and every minute.</summary>
internal sealed partial class LogMover
{
    /// <summary>Rooms whose batches one transaction moves, and their payloads in bytes: others wait for it, about half a millisecond.</summary>
    private const int RoomsPerMove = 100;

    /// <inheritdoc cref="RoomsPerMove"/>
    private const long BytesPerMove = 256 * 1024;

    /// <summary>From one transaction to the next, where there is time: on one core they are in the way of all others.</summary>
    private static readonly TimeSpan LongestRest = TimeSpan.FromMilliseconds(250);

    /// <summary>All rests together, however much is to be moved.</summary>
    private static readonly TimeSpan Rests = TimeSpan.FromSeconds(30);

    /// <summary>How much a file has to grow until moving out of the other one is tried again, in bytes.</summary>
    private const long RetryAfter = 1024 * 1024;

    /// <summary>From the first batch of all to the first move: what that needs is compiled then, some 80 methods in one go, and not when there is more to hold up.</summary>
    private static readonly TimeSpan First = TimeSpan.FromSeconds(1);

    /// <summary>Batches do not stay much longer: a copy of the data file (<c>.backup</c>) is to have them.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    private readonly SqliteFile _file;
    private readonly LogTails _tails;
    private readonly RecordFiles? _records;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly ITimer _timer;
    private readonly Lock _gate = new();
    private Task<Exception?> _freeing = Task.FromResult<Exception?>(null);
    private long _retryAt;
    private bool _hasBegun;

    /// <param name="file">Its writer moves them.</param>
    /// <param name="tails">Has them.</param>
    /// <param name="time">Tells when a minute is over, and a rest.</param>
    /// <param name="logger">Hears of what could not be moved.</param>
    public LogMover(SqliteFile file, LogTails tails, TimeProvider time, ILogger logger)
    {
        (_file, _tails, _time, _logger, _records) = (file, tails, time, logger, file.Records);
        _timer = time.CreateTimer(static mover => _ = ((LogMover)mover!).MoveAllAsync(), this, Interval, Interval);
    }

    /// <summary>Something was written, or should have been: has the other file freed where that is to be done.</summary>
    public void OnWritten()
    {
        if (!Volatile.Read(ref _hasBegun) && !Interlocked.Exchange(ref _hasBegun, true))
            _timer.Change(First, Interval);
        if (_records is { IsOtherFree: false } && _records.Excess >= Volatile.Read(ref _retryAt))
            _ = FreeOtherAsync();
    }

    /// <summary>Has the file freed that is not written. One at a time; who comes meanwhile waits for that one.</summary>
    /// <returns>What went wrong.</returns>
    public Task<Exception?> FreeOtherAsync()
    {
        lock (_gate)
        {
            if (_freeing.IsCompleted && !_records!.IsOtherFree)
                _freeing = Task.Run(TryFreeOtherAsync);
            return _freeing;
        }
    }

    private async Task<Exception?> TryFreeOtherAsync()
    {
        try
        {
            await MoveAsync(_tails.InFilesBefore(_records!.Generation));
            await _file.SyncAsync();
        }
        catch (Exception e)
        {
            if (e is not ObjectDisposedException)
                LogNotMoved(e);
            Volatile.Write(ref _retryAt, _records!.Excess + RetryAfter);
            return e;
        }

        _tails.Shrink();
        Volatile.Write(ref _retryAt, 0);
        _records!.FreeOther();
        return null;
    }

    private async Task MoveAllAsync()
    {
        if (_file.IsDisposed || _file.Failure is not null)
        {
            await _timer.DisposeAsync();
            return;
        }

        try
        {
            await MoveAsync(_tails.InFilesBefore(long.MaxValue));
            _tails.Shrink();
        }
        catch (ObjectDisposedException)
        {
            // The last transaction moves them.
        }
        catch (Exception e)
        {
            LogNotMoved(e);
        }
    }

    private async Task MoveAsync(List<(string Room, long End, long Bytes)> rooms)
    {
        var rest = Rests / (1 + Math.Max(rooms.Count / RoomsPerMove, rooms.Sum(room => room.Bytes) / BytesPerMove));
        for (var next = 0; next < rooms.Count && (next = await MoveFromAsync(rooms, next)) < rooms.Count;)
        {
            if (_records is { Excess: 0 })
                await Task.Delay(rest < LongestRest ? rest : LongestRest, _time);
        }
    }

    private Task<int> MoveFromAsync(List<(string Room, long End, long Bytes)> rooms, int from) => _file.WriteAsync(session => Move(session, rooms, from), CancellationToken.None);

    /// <returns>Where to go on.</returns>
    private int Move(SqliteSession session, List<(string Room, long End, long Bytes)> rooms, int from)
    {
        var (next, left) = (from, BytesPerMove);
        while (next < rooms.Count && next - from < RoomsPerMove)
        {
            left -= _tails.Move(session, rooms[next].Room, rooms[next].End, left);
            if (left <= 0)
                break; // There may be more of this one.
            next++;
        }

        return next;
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The newest messages could not be moved into the data file. Nothing is lost, they stay in the files beside it, and it is tried again")]
    private partial void LogNotMoved(Exception e);
}
