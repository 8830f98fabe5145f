using Microsoft.Extensions.Logging;
using OrleansChat.Grains.Storage;

namespace OrleansChat.Grains.Logs;

/// <summary>Has what was appended moved to <see cref="LogSegments"/>, by the data file's writer: when one of the <see cref="RecordFiles"/> is full, so that it can be used again, and every minute.</summary>
internal sealed partial class LogMover
{
    /// <summary>Rooms whose batches one transaction moves, and their payloads in bytes: others wait for it.</summary>
    private const int RoomsPerMove = 100;

    /// <inheritdoc cref="RoomsPerMove"/>
    private const long BytesPerMove = 256 * 1024;

    /// <summary>How much a file has to grow until moving out of the other one is tried again, in bytes.</summary>
    private const long RetryAfter = 1024 * 1024;

    /// <summary>Batches do not stay much longer: a copy of the data file (<c>.backup</c>) is to have them.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    private readonly SqliteFile _file;
    private readonly LogTails _tails;
    private readonly RecordFiles? _records;
    private readonly ILogger _logger;
    private readonly ITimer _timer;
    private readonly Lock _gate = new();
    private Task<Exception?> _freeing = Task.FromResult<Exception?>(null);
    private long _retryAt;

    /// <param name="file">Its writer moves them.</param>
    /// <param name="tails">Has them.</param>
    /// <param name="time">Tells when a minute is over.</param>
    /// <param name="logger">Hears of what could not be moved.</param>
    public LogMover(SqliteFile file, LogTails tails, TimeProvider time, ILogger logger)
    {
        (_file, _tails, _logger, _records) = (file, tails, logger, file.Records);
        _timer = time.CreateTimer(static mover => _ = ((LogMover)mover!).MoveAllAsync(), this, Interval, Interval);
    }

    /// <summary>Something was written, or should have been: has the other file freed where that is to be done.</summary>
    public void OnWritten()
    {
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

    private async Task MoveAsync(List<(string Room, long Bytes)> rooms)
    {
        for (var next = 0; next < rooms.Count;)
        {
            var from = next;
            for (var bytes = 0L; next < rooms.Count && next - from < RoomsPerMove && bytes < BytesPerMove; next++)
                bytes += rooms[next].Bytes;
            var some = rooms[from..next];
            await _file.WriteAsync(
                session =>
                {
                    foreach (var (room, _) in some)
                        _tails.Move(session, room);
                    return true;
                },
                CancellationToken.None);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The newest messages could not be moved into the data file. Nothing is lost, they stay in the files beside it, and it is tried again")]
    private partial void LogNotMoved(Exception e);
}
