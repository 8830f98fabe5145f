using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace OrleansChat.Grains.Storage;

/// <summary>
/// Moves the write-ahead log into the data file: most of it on a thread of its own while transactions go on, which would else wait for the disk; the little that came
/// meanwhile between two transactions, since the log begins anew only where all of it was moved (https://www.sqlite.org/wal.html, "Checkpoint starvation").
/// </summary>
internal sealed partial class SqliteCheckpointer : IDisposable
{
    /// <summary>How far the log grows, 1 MB, before it is moved: on one core that takes some 3 ms, and others wait. Where much is written it grows on meanwhile.</summary>
    public const int Pages = 256;

    /// <summary>How much further, 32 MB, until it is tried again where it could not be moved.</summary>
    public const int PagesToRetry = 8_192;

    /// <summary>Where transactions wait for the move that is under way, 64 MB: the disk takes less than is written.</summary>
    public const int MostPages = 16_384;

    /// <summary><c>SQLITE_IOERR_FSYNC</c>, https://www.sqlite.org/rescode.html.</summary>
    public const int SyncRefused = 1_034;

    private readonly object _gate = new();
    private readonly int _usualPages;
    private readonly Action _move;
    private readonly Func<bool> _moveRest;
    private readonly Action<Exception> _refused;
    private readonly ILogger _logger;
    private readonly Thread _thread;
    private State _state = State.Idle;
    private bool _isComplete;
    private int _from;
    private int _pages;

    /// <param name="move">Moves what is in the log when it is called, and has the file synced; on the thread of this object.</param>
    /// <param name="moveRest">Moves what is left and has the log begin anew, on the writer's thread. False: somebody still reads what is in it.</param>
    /// <param name="refused">Gets what the disk said when it refused to sync. Nothing is moved any more then: asked again it might say yes, and not have what was lost before.</param>
    /// <param name="logger">Hears of what could not be moved for other reasons.</param>
    /// <param name="pages">How far the log grows before it is moved.</param>
    public SqliteCheckpointer(Action move, Func<bool> moveRest, Action<Exception> refused, ILogger logger, int pages = Pages)
    {
        (_move, _moveRest, _refused, _logger, _usualPages, _pages) = (move, moveRest, refused, logger, pages, pages);
        _thread = new Thread(Run) { IsBackground = true, Name = "sqlite mover" }; // Linux keeps 15 letters.
        _thread.Start();
    }

    private enum State
    {
        Idle,
        Asked,
        Moved,
        Failed,
        Refused,
    }

    /// <summary>To be called by the writer between two transactions. Asks for a move where the log is long, ends one that was made.</summary>
    /// <param name="written">Pages written to the log in all; 0 follows on the highest number.</param>
    public void OnCommitted(int written)
    {
        lock (_gate)
        {
            while (_state == State.Asked && !_isComplete && Length() >= MostPages)
                Monitor.Wait(_gate);
            if (_state == State.Idle && Length() >= _pages)
            {
                _state = State.Asked;
                Monitor.PulseAll(_gate);
            }

            if (_state is State.Idle or State.Asked or State.Refused)
                return;
        }

        // Nobody else changes these two states.
        var state = _state == State.Failed ? State.Failed : Try(_moveRest);
        if (state == State.Moved)
            return; // Not yet: again after the next transaction.
        var isFailed = state == State.Failed;
        lock (_gate)
            (_from, _pages, _state) = (written, isFailed ? PagesToRetry : _usualPages, isFailed ? State.Idle : state);

        int Length() => (written - _from) & int.MaxValue;
    }

    /// <summary>Begins no other move, and waits for the one under way.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _isComplete = true;
            Monitor.PulseAll(_gate);
        }

        _thread.Join();
    }

    private void Run()
    {
        while (IsAsked())
        {
            var state = Try(() =>
            {
                _move();
                return false;
            });
            lock (_gate)
            {
                _state = state;
                Monitor.PulseAll(_gate);
            }
        }
    }

    private bool IsAsked()
    {
        lock (_gate)
        {
            while (_state != State.Asked && !_isComplete)
                Monitor.Wait(_gate);
            return !_isComplete;
        }
    }

    /// <param name="move">True: the log begins anew.</param>
    private State Try(Func<bool> move)
    {
        try
        {
            return move() ? State.Idle : State.Moved;
        }
        catch (SqliteException e) when (e.SqliteExtendedErrorCode != SyncRefused)
        {
            LogNotMoved(e);
            return State.Failed;
        }
        catch (Exception e)
        {
            _refused(e);
            return State.Refused;
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The write-ahead log could not be moved into the data file. Nothing is lost, it grows meanwhile, and is tried again after 32 MB more")]
    private partial void LogNotMoved(SqliteException e);
}
