using System.Text;
using OrleansChat.Grains.Logs;
using OrleansChat.Grains.Storage;

namespace OrleansChat.Tests.Logs;

/// <summary>A data file of an earlier version is brought to today's format by the first start, with all that is in it.</summary>
public sealed class DataFileFormatTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("chat-format-").FullName;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task A_file_of_the_first_format_keeps_its_logs()
    {
        var path = Path.Combine(_directory, "old.db");
        using (var old = new SqliteFile(path))
        {
            await old.WriteAsync(
                session => session.Execute(
                    """
                    DROP TABLE segment; DROP TABLE segment_data;
                    CREATE TABLE batch (room TEXT NOT NULL, last INTEGER NOT NULL, ts INTEGER NOT NULL, payload BLOB NOT NULL, PRIMARY KEY (room, last)) WITHOUT ROWID;
                    INSERT INTO log VALUES ('room', 'AAAAAAAAAAA', 7, 4, 1000007, 26);
                    INSERT INTO batch VALUES ('room', 6, 1000006, CAST('entries up to 6' AS BLOB)), ('room', 7, 1000007, CAST('entries up to 7' AS BLOB));
                    PRAGMA user_version = 1;
                    """),
                Cancellation);
        }

        using var file = new SqliteFile(path);
        var store = new SqliteLogStore(file);

        Assert.Equal(7, (await store.OpenAsync("room", create: false, Cancellation))!.Head);
        var batches = await store.ReadAsync("room", 4, 7, Cancellation);
        Assert.Equal(["entries up to 6", "entries up to 7"], batches.Select(batch => Encoding.UTF8.GetString(batch.Payload.Span)));
        Assert.Equal([6L], (await store.ReadAsync("room", 4, 4, Cancellation)).Select(batch => batch.Last));
        Assert.True(await store.AppendAsync("room", new LogPosition("AAAAAAAAAAA", 7), Batch(8), Cancellation));
    }

    [Fact]
    public async Task A_file_of_the_third_format_keeps_what_was_in_its_journal()
    {
        var path = Path.Combine(_directory, "old.db");
        using (var old = new SqliteFile(path))
        {
            await old.WriteAsync(
                session =>
                {
                    session.Execute("CREATE TABLE journal (id INTEGER PRIMARY KEY, batches BLOB NOT NULL)");
                    session.Execute("INSERT INTO log VALUES ('moved', 'AAAAAAAAAAA', 1, 1, 1000001, 4), ('anew', 'BBBBBBBBBBB', 0, 1, 0, 0)");
                    LogSegments.Append(session, "moved", [new PlacedBatch(0, Batch(1))]);
                    JournalBatch[] first = [Journaled("moved", 'A', 1), Journaled("anew", 'A', 1)];
                    JournalBatch[] second = [Journaled("moved", 'A', 2), Journaled("anew", 'B', 1), Journaled("moved", 'A', 3)];
                    session.Execute("INSERT INTO journal VALUES (7, ?1)", BatchRow.Encode(first, static (batch, writer) => batch.Write(writer)));
                    session.Execute("INSERT INTO journal VALUES (8, ?1)", BatchRow.Encode(second, static (batch, writer) => batch.Write(writer)));
                    return session.Execute("PRAGMA user_version = 3");
                },
                Cancellation);
        }

        using var file = new SqliteFile(path);
        var store = new SqliteLogStore(file);

        Assert.Equal([1L, 2, 3], (await store.ReadAsync("moved", 1, long.MaxValue, Cancellation)).Select(batch => batch.Last));
        Assert.Equal([1L], (await store.ReadAsync("anew", 1, long.MaxValue, Cancellation)).Select(batch => batch.Last));
        Assert.Equal("BBBBBBBBBBB", (await store.OpenAsync("anew", create: false, Cancellation))!.Epoch);

        static JournalBatch Journaled(string room, char epoch, long last) => new(room, new string(epoch, 11), new PlacedBatch(last - 1, Batch(last)));
    }

    private static LogBatch Batch(long last) => new(last, 1_000_000 + last, Encoding.UTF8.GetBytes($"entries up to {last}"));
}
