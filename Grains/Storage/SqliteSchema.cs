using Microsoft.Data.Sqlite;
using OrleansChat.Grains.Logs;

namespace OrleansChat.Grains.Storage;

/// <summary>The tables of the data file: room logs, grain state, and the file's own lives.</summary>
internal static class SqliteSchema
{
    private const long Version = 4;

    // Segments are clustered by room, so that a range of the index is read from neighbouring pages.
    private const string Tables =
        """
        CREATE TABLE IF NOT EXISTS log (room TEXT PRIMARY KEY, epoch TEXT NOT NULL, head INTEGER NOT NULL, first INTEGER NOT NULL,
          ts INTEGER NOT NULL, bytes INTEGER NOT NULL) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS segment (room TEXT NOT NULL, last INTEGER NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (room, last)) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS segment_data (id INTEGER PRIMARY KEY, batches BLOB NOT NULL);
        CREATE TABLE IF NOT EXISTS front (room TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY (room, id)) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS state (store TEXT NOT NULL, name TEXT NOT NULL, grain TEXT NOT NULL, etag TEXT NOT NULL, payload BLOB NOT NULL,
          PRIMARY KEY (store, name, grain)) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS life (name TEXT NOT NULL, boot TEXT NOT NULL);
        """;

    /// <summary>Makes what is missing.</summary>
    /// <exception cref="IOException">The file was written by a later version of OrleansChat.</exception>
    /// <exception cref="SqliteException">It is not a SQLite file, or cannot be written.</exception>
    public static void Create(SqliteSession session)
    {
        long version;
        using (var row = session.Query("PRAGMA user_version"))
        {
            row.Read();
            version = row.GetInt64(0);
        }
        if (version > Version)
            throw new IOException($"The file is of format {version}, written by a later OrleansChat; this one knows {Version}.");
        session.Execute("BEGIN IMMEDIATE");
        session.Execute(Tables);
        if (version == 1)
            MoveBatches(session);
        else if (version is 2 or 3)
            MoveJournal(session);
        session.Execute($"PRAGMA user_version = {Version}");
        session.Execute("COMMIT");
    }

    /// <summary>Format 1 had a row for each batch.</summary>
    private static void MoveBatches(SqliteSession session)
    {
        using (var rows = session.Query(
            """
            SELECT room, coalesce(lag(last) OVER (PARTITION BY room ORDER BY last), (SELECT first - 1 FROM log WHERE log.room = batch.room), 0), last, ts, payload
            FROM batch ORDER BY room, last
            """))
        {
            while (rows.Read())
            {
                var batch = new LogBatch(rows.GetInt64(2), rows.GetInt64(3), rows.GetFieldValue<byte[]>(4));
                LogSegments.Append(session, rows.GetString(0), [new PlacedBatch(rows.GetInt64(1), batch)]);
            }
        }
        session.Execute("DROP TABLE batch");
    }

    /// <summary>Formats 2 and 3 had the newest batches in a table, where now files have them.</summary>
    private static void MoveJournal(SqliteSession session)
    {
        var left = new List<JournalBatch>();
        using (var rows = session.Query("SELECT batches FROM journal ORDER BY id"))
        {
            while (rows.Read())
                left.AddRange(BatchRow.Decode(rows.GetFieldValue<byte[]>(0), JournalBatch.Read));
        }

        LogRecovery.Run(session, left);
        session.Execute("DROP TABLE journal");
    }
}
