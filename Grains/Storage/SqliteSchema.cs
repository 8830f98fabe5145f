using Microsoft.Data.Sqlite;

namespace OrleansChat.Grains.Storage;

/// <summary>The tables of the data file: room logs and grain state.</summary>
internal static class SqliteSchema
{
    private const long Version = 1;

    // Batches are clustered by room, so that a range is read from neighbouring pages.
    private const string Tables =
        """
        CREATE TABLE IF NOT EXISTS log (room TEXT PRIMARY KEY, epoch TEXT NOT NULL, head INTEGER NOT NULL, first INTEGER NOT NULL,
          ts INTEGER NOT NULL, bytes INTEGER NOT NULL) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS batch (room TEXT NOT NULL, last INTEGER NOT NULL, ts INTEGER NOT NULL, payload BLOB NOT NULL,
          PRIMARY KEY (room, last)) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS front (room TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY (room, id)) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS state (store TEXT NOT NULL, name TEXT NOT NULL, grain TEXT NOT NULL, etag TEXT NOT NULL, payload BLOB NOT NULL,
          PRIMARY KEY (store, name, grain)) WITHOUT ROWID;
        PRAGMA user_version = 1;
        """;

    /// <summary>Makes what is missing.</summary>
    /// <exception cref="IOException">The file was written by a later version of OrleansChat.</exception>
    /// <exception cref="SqliteException">It is not a SQLite file, or cannot be written.</exception>
    public static void Create(SqliteSession session)
    {
        using (var row = session.Query("PRAGMA user_version"))
        {
            row.Read();
            if (row.GetInt64(0) > Version)
                throw new IOException($"The file is of format {row.GetInt64(0)}, written by a later OrleansChat; this one knows {Version}.");
        }
        session.Execute(Tables);
    }
}
