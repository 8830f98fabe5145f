using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace OrleansChat.Grains.Storage;

/// <summary>One connection to the file and the statements it has prepared. Used by one thread at a time.</summary>
/// <remarks>Statements name their parameters <c>?1</c>, <c>?2</c>, … and get their values in that order: string, long, byte[] or <see cref="ReadOnlyMemory{T}"/> of bytes.</remarks>
internal sealed class SqliteSession : IDisposable
{
    private readonly SqliteConnection _connection;
    private readonly Dictionary<string, SqliteCommand> _prepared = new(StringComparer.Ordinal);

    /// <summary>Opens a connection.</summary>
    /// <exception cref="SqliteException">There is no such file, or it is not a SQLite file.</exception>
    public SqliteSession(string connectionString)
    {
        _connection = new SqliteConnection(connectionString);
        _connection.Open();
    }

    /// <summary>Whether a transaction is under way.</summary>
    public bool InTransaction => raw.sqlite3_get_autocommit(_connection.Handle) == 0;

    /// <summary>Where the write-ahead log is: beside the file itself, whatever links lead to it.</summary>
    public string LogPath
    {
        get
        {
            using var row = Query("SELECT file FROM pragma_database_list WHERE name = 'main'");
            row.Read();
            return row.GetString(0) + "-wal";
        }
    }

    /// <summary>Pages that this connection has written to the write-ahead log; 0 follows on the highest number.</summary>
    public int PagesWritten
    {
        get
        {
            _ = raw.sqlite3_db_status(_connection.Handle, raw.SQLITE_DBSTATUS_CACHE_WRITE, out var pages, out _, resetFlg: 0);
            return pages;
        }
    }

    /// <summary>Syncs the write-ahead log and moves what is in it into the file; whoever reads or writes goes on meanwhile.</summary>
    public void MoveLog() => Execute("PRAGMA wal_checkpoint(PASSIVE)");

    /// <summary>Moves all that is left in the write-ahead log, has the file synced, and the log begin anew with the next transaction. It waits for nobody.</summary>
    /// <returns>False: somebody still reads what is in the log, or moves it.</returns>
    public bool TryBeginLogAnew()
    {
        using var row = Query("PRAGMA wal_checkpoint(RESTART)");
        row.Read();
        return row.GetInt64(0) == 0; // "busy"
    }

    /// <summary>Leaves the write-ahead log as it is when the connection is closed.</summary>
    public void KeepLog() => raw.sqlite3_db_config(_connection.Handle, raw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, out _);

    /// <summary>Runs a statement that gives no rows.</summary>
    /// <returns>The number of rows changed.</returns>
    public int Execute(string sql, params ReadOnlySpan<object> values) => Prepare(sql, values).ExecuteNonQuery();

    /// <summary>Runs a query. The caller disposes the reader before it uses the same statement again.</summary>
    public SqliteDataReader Query(string sql, params ReadOnlySpan<object> values) => Prepare(sql, values).ExecuteReader();

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var command in _prepared.Values)
            command.Dispose();
        _connection.Dispose();
    }

    private SqliteCommand Prepare(string sql, ReadOnlySpan<object> values)
    {
        if (!_prepared.TryGetValue(sql, out var command))
        {
            command = _connection.CreateCommand();
#pragma warning disable CA2100 // Statements are constants; values are bound.
            command.CommandText = sql;
#pragma warning restore CA2100
            for (var i = 1; i <= values.Length; i++)
                command.Parameters.Add(new SqliteParameter { ParameterName = $"?{i}" });
            _prepared.Add(sql, command);
        }
        for (var i = 0; i < values.Length; i++)
            command.Parameters[i].Value = values[i];
        return command;
    }
}
