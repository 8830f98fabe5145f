using System.Text;
using OrleansChat.Grains.Logs;
using OrleansChat.Grains.Storage;

namespace OrleansChat.Tests.Logs;

/// <summary>What was appended lately lies in the journal, whatever becomes of the process meanwhile.</summary>
public sealed class LogJournalTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("chat-journal-").FullName;
    private readonly SqliteFile _file;
    private readonly SqliteLogStore _store;

    public LogJournalTests()
    {
        _file = new SqliteFile(Path.Combine(_directory, "chat.db"));
        _store = new SqliteLogStore(_file);
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_a_killed_process_leaves_is_all_there()
    {
        var (quiet, busy, trimmed, anew, large) = (await NewAsync("quiet"), await NewAsync("busy"), await NewAsync("trimmed"), await NewAsync("anew"), await NewAsync("large"));
        await AppendAsync("quiet", quiet, 0, 1, 2);
        await AppendAsync("busy", busy, 0, Enumerable.Range(1, 500).Select(seq => (long)seq).ToArray());
        await AppendAsync("trimmed", trimmed, 0, 3, 6, 7);
        Assert.True(await _store.TrimAsync("trimmed", await OpenAsync("trimmed"), 4, Batch(3).Payload.Length, Cancellation)); // In the middle of what is in the journal,
        await AppendAsync("trimmed", trimmed, 7, 9);
        Assert.True(await _store.TrimAsync("trimmed", await OpenAsync("trimmed"), 7, Batch(6).Payload.Length, Cancellation)); // before it,
        Assert.True(await _store.TrimAsync("trimmed", await OpenAsync("trimmed"), 8, Batch(7).Payload.Length, Cancellation)); // and all before it.
        await AppendAsync("anew", anew, 0, 1, 2);
        Assert.True(await _store.ResetAsync("anew", new LogPosition(anew, 2), Cancellation));
        var again = (await OpenAsync("anew")).Epoch;
        await AppendAsync("anew", again, 0, 1);
        await AppendAsync("large", large, 0, 1);
        Assert.True(await _store.AppendAsync("large", new LogPosition(large, 1), new LogBatch(2, 2, new byte[LogJournal.MaxPayload + 1]), Cancellation));
        await AppendAsync("large", large, 2, 3);

        using var left = OpenCopy();
        var store = new SqliteLogStore(left);

        Assert.Equal([1L, 2], await LastsAsync(store, "quiet")); // The first call of all is a read.
        Assert.Equal(Enumerable.Range(1, 500).Select(seq => (long)seq), await LastsAsync(store, "busy"));
        Assert.Equal([9L], await LastsAsync(store, "trimmed"));
        Assert.Equal([1L], await LastsAsync(store, "anew"));
        Assert.Equal([1L, 2, 3], await LastsAsync(store, "large"));
        foreach (var room in new[] { "quiet", "busy", "trimmed", "anew", "large" })
        {
            var (kept, was) = ((await store.OpenAsync(room, create: false, Cancellation))!, await OpenAsync(room));
            Assert.Equal(was with { Fronts = [] }, kept with { Fronts = [] });
            Assert.True(await store.AppendAsync(room, new LogPosition(kept.Epoch, kept.Head), Batch(kept.Head + 1), Cancellation));
        }
    }

    [Fact]
    public async Task A_start_finds_the_end_of_every_log_and_refuses_who_believes_otherwise()
    {
        var epoch = await NewAsync("room");
        await AppendAsync("room", epoch, 0, 1, 2);

        using var left = OpenCopy();
        var store = new SqliteLogStore(left);

        Assert.False(await store.AppendAsync("room", new LogPosition(epoch, 1), Batch(2), Cancellation));
        Assert.False(await store.AppendAsync("room", new LogPosition("AAAAAAAAAAA", 2), Batch(3), Cancellation));
        Assert.True(await store.AppendAsync("room", new LogPosition(epoch, 2), Batch(3), Cancellation));
    }

    [Fact]
    public async Task Who_fails_in_the_same_transaction_takes_no_append_along_and_doubles_none()
    {
        var epoch = await NewAsync("room");
        await AppendAsync("room", epoch, 0, 1);
        using var begin = new ManualResetEventSlim();
        var blocking = _file.WriteAsync(_ => begin.Wait(TimeSpan.FromSeconds(30)), Cancellation);

        // Behind the one that waits these gather into one transaction.
        var first = _store.AppendAsync("room", new LogPosition(epoch, 1), Batch(2), Cancellation);
        var failing = _file.WriteAsync<bool>(_ => throw new InvalidDataException(), Cancellation);
        var second = _store.AppendAsync("room", new LogPosition(epoch, 2), Batch(3), Cancellation);
        begin.Set();

        Assert.True(await blocking);
        await Assert.ThrowsAsync<InvalidDataException>(() => failing);
        Assert.True(await first);
        Assert.True(await second);
        Assert.Equal([1L, 2, 3], await LastsAsync(_store, "room"));
        Assert.Equal(3, (await OpenAsync("room")).Head);
    }

    [Fact]
    public async Task Where_the_disk_is_full_what_is_there_can_be_opened_and_read()
    {
        var epoch = await NewAsync("room");
        await AppendAsync("room", epoch, 0, 1, 2);
        await _file.WriteAsync(session => session.Execute("PRAGMA max_page_count = 1"), Cancellation); // As many as there are.

        await Assert.ThrowsAsync<Microsoft.Data.Sqlite.SqliteException>(() =>
            _store.AppendAsync("room", new LogPosition(epoch, 2), new LogBatch(3, 3, new byte[LogJournal.MaxPayload]), Cancellation));
        Assert.Equal([1L, 2], await LastsAsync(_store, "room"));
        Assert.Equal(2, (await OpenAsync("room")).Head);

        await _file.WriteAsync(session => session.Execute("PRAGMA max_page_count = 1000000"), Cancellation);
        await AppendAsync("room", epoch, 2, 3);
        Assert.Equal([1L, 2, 3], await LastsAsync(_store, "room"));
    }

    [Fact]
    public async Task It_stays_as_small_as_it_may_be_and_a_room_that_fell_silent_does_not_hold_it_up()
    {
        const long limit = 7 * 1024 * 1024;
        await AppendAsync("silent", await NewAsync("silent"), 0, 1);
        var epochs = new List<string>();
        for (var room = 0; room < 100; room++)
            epochs.Add(await NewAsync($"room {room}"));
        var batch = new byte[4_000];

        for (var seq = 1L; seq <= 40; seq++)
        {
            var done = await Task.WhenAll(epochs.Select((epoch, room) =>
                _store.AppendAsync($"room {room}", new LogPosition(epoch, seq - 1), new LogBatch(seq, seq, batch), Cancellation)));
            Assert.DoesNotContain(false, done);
            Assert.InRange(await LengthAsync(), 0, limit);
        }

        Assert.Equal([1L], await LastsAsync(_store, "silent"));
        foreach (var room in Enumerable.Range(0, 100))
            Assert.Equal(Enumerable.Range(1, 40).Select(seq => (long)seq), await LastsAsync(_store, $"room {room}"));
    }

    [Fact]
    public async Task Large_batches_do_not_pile_up_on_those_of_many_quiet_rooms()
    {
        const int rooms = 30_000;
        foreach (var some in Enumerable.Range(0, rooms).Chunk(5_000))
        {
            await Task.WhenAll(some.Select(async room =>
            {
                var epoch = await NewAsync($"quiet {room}");
                Assert.True(await _store.AppendAsync($"quiet {room}", new LogPosition(epoch, 0), new LogBatch(1, 1, new byte[100]), Cancellation));
            }));
        }

        var loud = await NewAsync("loud");
        for (var seq = 1L; seq <= 300; seq++)
            Assert.True(await _store.AppendAsync("loud", new LogPosition(loud, seq - 1), new LogBatch(seq, seq, new byte[LogJournal.MaxPayload]), Cancellation));

        Assert.InRange(await LengthAsync(), 0, 5 * 1024 * 1024);
        Assert.Equal([1L], await LastsAsync(_store, "quiet 0"));
        Assert.Equal([1L], await LastsAsync(_store, $"quiet {rooms - 1}"));
    }

    [Fact]
    public async Task Who_reads_while_batches_are_moved_misses_none_and_gets_none_twice()
    {
        var epoch = await NewAsync("room");
        using var ended = new CancellationTokenSource();
        var head = 0L;
        var reading = Task.Run(
            async () =>
            {
                var reads = 0;
                for (; !ended.IsCancellationRequested; reads++)
                {
                    var to = Volatile.Read(ref head);
                    Assert.Equal(Enumerable.Range(1, (int)to).Select(seq => (long)seq), (await _store.ReadAsync("room", 1, to, Cancellation)).Select(batch => batch.Last));
                }
                return reads;
            },
            Cancellation);

        for (var seq = 1L; seq <= 600; seq++)
        {
            await AppendAsync("room", epoch, seq - 1, seq);
            Volatile.Write(ref head, seq);
        }
        await ended.CancelAsync();

        Assert.NotEqual(0, await reading);
    }

    [Fact]
    public async Task A_file_of_the_first_format_keeps_its_logs()
    {
        var path = Path.Combine(_directory, "old.db");
        using (var old = new SqliteFile(path))
        {
            await old.WriteAsync(
                session => session.Execute(
                    """
                    DROP TABLE journal; DROP TABLE segment; DROP TABLE segment_data;
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

    public void Dispose()
    {
        _file.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    /// <summary>The file as a process that is killed now leaves it.</summary>
    private SqliteFile OpenCopy()
    {
        var path = Path.Combine(_directory, "left.db");
        File.Copy(Path.Combine(_directory, "chat.db"), path);
        File.Copy(Path.Combine(_directory, "chat.db-wal"), path + "-wal");
        return new SqliteFile(path);
    }

    private async Task<string> NewAsync(string room) => (await _store.OpenAsync(room, create: true, Cancellation))!.Epoch;

    private async Task<LogHeader> OpenAsync(string room) => (await _store.OpenAsync(room, create: false, Cancellation))!;

    private async Task AppendAsync(string room, string epoch, long head, params long[] lasts)
    {
        foreach (var last in lasts)
        {
            Assert.True(await _store.AppendAsync(room, new LogPosition(epoch, head), Batch(last), Cancellation));
            head = last;
        }
    }

    private Task<long> LengthAsync() => _file.ReadAsync(
        session =>
        {
            using var row = session.Query("SELECT coalesce(sum(length(batches)), 0) FROM journal");
            row.Read();
            return row.GetInt64(0);
        },
        Cancellation);

    private static async Task<IEnumerable<long>> LastsAsync(SqliteLogStore store, string room) =>
        (await store.ReadAsync(room, 1, long.MaxValue, Cancellation)).Select(batch => batch.Last);

    private static LogBatch Batch(long last) => new(last, 1_000_000 + last, Encoding.UTF8.GetBytes($"entries up to {last}"));
}
