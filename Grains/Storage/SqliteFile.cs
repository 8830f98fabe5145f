using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Win32.SafeHandles;
using OrleansChat.Grains.Interfaces;
using OrleansChat.Grains.Logs;
using OrleansChat.Streaming;

namespace OrleansChat.Grains.Storage;

/// <summary>The one SQLite file of an embedded host: a single writer, readers beside it, closed to every other process.</summary>
/// <remarks>
/// <para><b>Writing.</b> In the transactions of <see cref="SqliteWriter"/>. A commit survives the process; who tells others that it lasts waits for <see cref="SyncAsync"/> too.</para>
/// <para><b>Full.</b> Each of the two queues (writes, reads) holds <see cref="QueueLength"/> operations; one more fails at once with <see cref="IOException"/> and is not done.</para>
/// <para><b>Deadlines.</b> At a caller's deadline its wait ends with <see cref="OperationCanceledException"/>. What had not begun by then is not done; a write that had may still be committed.</para>
/// <para><b>In memory.</b> The path <c>:memory:</c> makes a database of this object's own, gone when it is disposed; there reads go through the writer.</para>
/// </remarks>
internal sealed class SqliteFile : IStoreSync, IDisposable
{
    /// <summary>The path that means no file.</summary>
    public const string InMemory = ":memory:";

    /// <summary>Operations that may wait in each queue.</summary>
    public const int QueueLength = 65_536;

    private const int Readers = 2;

    /// <summary>The newest pages of some thousand rooms: at SQLite's own 2 MB an append had to read three times.</summary>
    private const int CacheKib = 16_384;

    private readonly SqliteQueue _writes = new(QueueLength, Lull.ForBatches);
    private readonly SqliteQueue _reads = new(QueueLength, lull: null);
    private readonly SqliteMachine _machine;
    private readonly FileStream? _lock;
    private readonly SafeFileHandle? _log;
    private readonly SafeFileHandle? _data;
    private readonly SqliteSync? _sync;
    private readonly SqliteSession _writing;
    private readonly SqliteWriter _writer;
    private readonly SqliteSession? _moving;
    private readonly SqliteCheckpointer? _checkpointer;
    private readonly List<SqliteSession> _readers = [];
    private readonly List<Thread> _threads = [];
    private int _pagesSynced; // The sync's thread's.
    private int _disposed;

    /// <summary>Opens the file, creating it (mode 0600) and its directory (0700) where missing.</summary>
    /// <param name="path"><c>Chat:DataPath</c>: a path, or <see cref="InMemory"/>.</param>
    /// <param name="sync">What an acknowledged write survives.</param>
    /// <param name="logger">Hears of a disk that does not answer, or refuses.</param>
    /// <param name="machine">Null: the one we are on.</param>
    /// <param name="refused">Called when the disk has refused, and nothing will be stored any more.</param>
    /// <param name="recordFileLength">How long the <see cref="Records"/> files are, in bytes.</param>
    /// <param name="logPages">How far the write-ahead log grows before it is moved into the file.</param>
    /// <exception cref="IOException">Another process has the file open, or it cannot be used. The message names the path and <c>Chat:DataPath</c>.</exception>
    public SqliteFile(
        string path, DataSync sync = DataSync.Full, ILogger? logger = null, SqliteMachine? machine = null, Action? refused = null,
        int recordFileLength = RecordFiles.DefaultLength, int logPages = SqliteCheckpointer.Pages)
    {
        _machine = machine ?? SqliteMachine.This;
        var inMemory = string.Equals(path, InMemory, StringComparison.Ordinal);
        var connection = new SqliteConnectionStringBuilder { DataSource = InMemory, Pooling = false };
        if (!inMemory)
        {
            path = Path.GetFullPath(path);
            _lock = SqliteLock.Take(path);
            connection.DataSource = path;
            connection.Mode = SqliteOpenMode.ReadWrite;
        }
        try
        {
            _writing = new SqliteSession(connection.ToString());
            _writing.Execute("PRAGMA journal_mode = WAL");
            _writing.Execute("PRAGMA synchronous = NORMAL"); // SQLite itself syncs before and after the log is moved into the file, and SyncAsync whenever somebody waits for it.
            _writing.Execute("PRAGMA checkpoint_fullfsync = 1"); // macOS: what the disk has, not what it was given.
            _writing.Execute($"PRAGMA cache_size = -{CacheKib}");
            _writing.Execute("PRAGMA wal_autocheckpoint = 0");
            SqliteSchema.Create(_writing);
            logger ??= NullLogger.Instance;
            if (!inMemory)
            {
                Records = new RecordFiles(_writing.LogPath[..^"-wal".Length], recordFileLength); // Beside the file itself too, whatever links lead to it.
                Recover(Records);
                Life = SqliteLife.Begin(_writing, _machine.BootId, SqliteLock.IsMarked(_lock!));
                // What a process that died had written is read from here on, and acknowledged where it is repeated: it goes to the disk first.
                _writing.Execute("PRAGMA wal_checkpoint(RESTART)");
                _log = File.OpenHandle(_writing.LogPath, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
                _machine.Flush(_log);
                Records.BeginAnew();
                Records.Flush(_machine.Flush);
                SqliteLock.Mark(_lock!, isMarked: false);
                IsNeeded = sync == DataSync.Full;
                _sync = new SqliteSync(Sync, TimeProvider.System, logger, () =>
                {
                    try
                    {
                        SqliteLock.Mark(_lock!, isMarked: true);
                    }
                    finally
                    {
                        refused?.Invoke(); // Whatever the disk says to the mark.
                    }
                });
                _data = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
                _moving = new SqliteSession(connection.ToString());
                _moving.Execute("PRAGMA checkpoint_fullfsync = 1");
                _checkpointer = new SqliteCheckpointer(MoveLog, () => _sync.Failure is not null || _writing.TryBeginLogAnew(), _sync.Refuse, logger, logPages);
            }

            for (var i = 0; i < Readers && !inMemory; i++)
                _readers.Add(new SqliteSession(connection.ToString()));
        }
        catch (Exception exception) when (exception is SqliteException or IOException or UnauthorizedAccessException)
        {
            _writing?.KeepLog(); // Closing would ask a disk again that may just have refused.
            CloseConnections();
            throw new IOException($"Chat:DataPath '{path}' cannot be used: {exception.Message}", exception);
        }
        _writer = new SqliteWriter(_writing, _writes, _sync, _checkpointer);
        Start("sqlite writer", _writer.Run);
        foreach (var reader in _readers)
            Start("sqlite reader", () => Read(reader));
    }

    /// <inheritdoc cref="SqliteLife"/>
    public string Life { get; } = "";

    /// <summary>For what is written too often for a transaction each, and is moved here from time to time: synced with the file, read before the next start. Null in memory.</summary>
    public RecordFiles? Records { get; }

    /// <summary>Whether it takes no more work.</summary>
    public bool IsDisposed => Volatile.Read(ref _disposed) != 0;

    /// <summary>What the disk said when it refused to sync, if it did: nothing is stored any more.</summary>
    public IOException? Failure => _sync?.Failure;

    /// <summary>Has something told of all transactions. Once, before the first write.</summary>
    /// <exception cref="InvalidOperationException">Something is told already.</exception>
    public void Accompany(ISqliteCompanion companion) => _writer.Accompany(companion);

    /// <summary>Runs an operation inside a transaction of the writer; it sees all writes that were asked for before it.</summary>
    /// <param name="operation">Must be safe to run again after a rollback: it changes the database, and what the <see cref="ISqliteCompanion"/> keeps beside it, and nothing else.</param>
    /// <param name="cancellation">The deadline.</param>
    /// <exception cref="IOException">Too many are waiting, or the disk has refused a sync; it was not done.</exception>
    /// <exception cref="OperationCanceledException">The deadline passed; it may be done nevertheless.</exception>
    /// <exception cref="SqliteException">SQLite refused the operation (not kept) or the commit (unknown).</exception>
    public Task<T> WriteAsync<T>(Func<SqliteSession, T> operation, CancellationToken cancellation) =>
        WriteAsync(operation, static (operation, session) => operation(session), cancellation);

    /// <summary>The same, with what the operation works on beside it: for what comes so often that a closure for each counts.</summary>
    /// <inheritdoc cref="WriteAsync{T}(Func{SqliteSession, T}, CancellationToken)"/>
    /// <param name="state">What it works on.</param>
    /// <param name="operation">Gets that and the session.</param>
    /// <param name="cancellation">The deadline.</param>
    public Task<T> WriteAsync<TState, T>(TState state, Func<TState, SqliteSession, T> operation, CancellationToken cancellation) =>
        Failure is { } failure ? Task.FromException<T>(failure) : _writes.RunAsync(state, operation, cancellation);

    /// <summary>Runs a query beside the writer. Each statement sees what was committed when it began.</summary>
    /// <inheritdoc cref="WriteAsync{T}(Func{SqliteSession, T}, CancellationToken)"/>
    public Task<T> ReadAsync<T>(Func<SqliteSession, T> query, CancellationToken cancellation) =>
        (_readers.Count == 0 ? _writes : _reads).RunAsync(query, static (query, session) => query(session), cancellation);

    /// <inheritdoc/>
    public bool IsNeeded { get; }

    /// <inheritdoc/>
    public Task SyncAsync() => IsNeeded ? _sync!.SyncAsync() : Task.CompletedTask;

    /// <summary>Takes no new work, finishes what waits, moves the write-ahead log into the file and lets other processes in.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
            return;
        _writes.Complete();
        _reads.Complete();
        foreach (var thread in _threads)
            thread.Join();
        _checkpointer?.Dispose();
        _sync?.Dispose();
        try
        {
            EndLife();
        }
        finally
        {
            CloseConnections();
        }
    }

    /// <summary>After a sync that was refused the logs stay where they are: the next start takes of them what has the right checksums, and moves that.</summary>
    private void EndLife()
    {
        if (Failure is not null)
        {
            _writing.KeepLog();
            return;
        }

        try
        {
            _writer.Close();
            if (_lock is null)
                return;
            SqliteLife.End(_writing);
            _machine.Flush(_log!);
        }
        catch (Exception exception)
        {
            _writing.KeepLog();
            if (exception is IOException or SqliteException { SqliteExtendedErrorCode: SqliteCheckpointer.SyncRefused })
                _sync?.Refuse(exception);
            throw;
        }

        Records!.Delete();
    }

    private void Recover(RecordFiles records)
    {
        var left = records.Read().SelectMany(record => BatchRow.Decode(record, JournalBatch.Read));
        _writing.Execute("BEGIN IMMEDIATE");
        LogRecovery.Run(_writing, left);
        _writing.Execute("COMMIT");
    }

    /// <summary>The write-ahead log where there was a transaction, and first: records speak of what it has.</summary>
    private void Sync()
    {
        var pages = _writer.PagesWritten;
        if (pages != _pagesSynced)
            _machine.Flush(_log!);
        _pagesSynced = pages;
        Records!.Flush(_machine.Flush);
    }

    private void Start(string name, ThreadStart loop)
    {
        var thread = new Thread(loop) { IsBackground = true, Name = name };
        _threads.Add(thread);
        thread.Start();
    }

    /// <summary>Moves the log twice, the second time what was written meanwhile, and has the file synced: SQLite does where it moved all, which it never has where much is written.</summary>
    private void MoveLog()
    {
        for (var i = 0; i < 2 && _sync!.Failure is null; i++)
        {
            _moving!.MoveLog();
            _machine.Flush(_data!);
        }
    }

    private void Read(SqliteSession session)
    {
        var taken = new List<SqliteWork>();
        for (; _reads.Take(taken, max: 1); taken.Clear())
        {
            var work = taken[0];
            if (work.Abandoned)
                continue;
            try
            {
                work.Run(session);
            }
            catch (Exception exception)
            {
                work.Fail(exception);
                continue;
            }
            work.Succeed();
        }
    }

    private void CloseConnections()
    {
        _checkpointer?.Dispose();
        _sync?.Dispose();
        _log?.Dispose();
        _moving?.Dispose();
        Records?.Dispose();
        _readers.ForEach(reader => reader.Dispose());
        _writing?.Dispose(); // The last connection to close checkpoints and removes the write-ahead log.
        _data?.Dispose(); // After all connections: what closes a handle of a file gives up the process' locks of it (fcntl(2)).
        _lock?.Dispose();
    }
}
