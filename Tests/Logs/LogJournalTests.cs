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
        Assert.True(await _store.AppendAsync("large", new LogPosition(large, 1), new LogBatch(2, 2, new byte[1 << 20]), Cancellation));
        await AppendAsync("large", large, 2, 3);

        using var left = await OpenCopyAsync();
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

        using var left = await OpenCopyAsync();
        var store = new SqliteLogStore(left);

        Assert.False(await store.AppendAsync("room", new LogPosition(epoch, 1), Batch(2), Cancellation));
        Assert.False(await store.AppendAsync("room", new LogPosition("AAAAAAAAAAA", 2), Batch(3), Cancellation));
        Assert.True(await store.AppendAsync("room", new LogPosition(epoch, 2), Batch(3), Cancellation));
    }

    [Fact]
    public async Task Who_fails_in_the_same_transaction_undoes_no_move_for_good_and_appends_wait_for_neither()
    {
        var epoch = await NewAsync("room");
        await AppendAsync("room", epoch, 0, 1, 2);
        var log = await OpenAsync("room");
        using var begin = new ManualResetEventSlim();
        var blocking = _file.WriteAsync(_ => begin.Wait(TimeSpan.FromSeconds(30)), Cancellation);

        // Behind the one that waits these gather into one transaction. The trim reaches into what is here of the room, which is moved for it.
        var trimming = _store.TrimAsync("room", log, 2, Batch(1).Payload.Length, Cancellation);
        var failing = _file.WriteAsync<bool>(_ => throw new InvalidDataException(), Cancellation);
        await AppendAsync("room", epoch, 2, 3);
        begin.Set();

        Assert.True(await blocking);
        await Assert.ThrowsAsync<InvalidDataException>(() => failing);
        Assert.True(await trimming);
        await AppendAsync("room", epoch, 3, 4);
        Assert.Equal([2L, 3, 4], await LastsAsync(_store, "room"));
        Assert.Equal(4, (await OpenAsync("room")).Head);
    }

    [Fact]
    public async Task Where_nothing_can_be_moved_it_takes_what_there_is_space_for_and_then_fails_until_it_can()
    {
        var batch = new byte[1 << 20];
        var epoch = await NewAsync("room");
        await _file.WriteAsync(session => session.Execute("PRAGMA max_page_count = 1"), Cancellation); // As many as there are.

        var head = 0L;
        var refused = await Assert.ThrowsAsync<IOException>(async () =>
        {
            for (; head < 1_000; head++)
                Assert.True(await _store.AppendAsync("room", new LogPosition(epoch, head), new LogBatch(head + 1, 1, batch), Cancellation));
        });
        Assert.Contains("no space", refused.Message, StringComparison.Ordinal);
        Assert.InRange(head, 32, 48); // In one file of 8 MB and one of 32.
        Assert.Equal(head, (await OpenAsync("room")).Head);
        Assert.Equal(head, (await LastsAsync(_store, "room")).Last());

        await _file.WriteAsync(session => session.Execute("PRAGMA max_page_count = 1000000"), Cancellation);
        for (var end = head + 48; head < end; head++)
            Assert.True(await _store.AppendAsync("room", new LogPosition(epoch, head), new LogBatch(head + 1, 1, batch), Cancellation));
        Assert.Equal(Enumerable.Range(1, (int)head).Select(seq => (long)seq), await LastsAsync(_store, "room"));
    }

    [Fact]
    public async Task Its_files_are_used_again_and_again_and_a_room_that_fell_silent_does_not_hold_them_up()
    {
        const int rooms = 100;
        await AppendAsync("silent", await NewAsync("silent"), 0, 1);
        var epochs = new List<string>();
        for (var room = 0; room < rooms; room++)
            epochs.Add(await NewAsync($"room {room}"));

        for (var seq = 1L; seq <= 100; seq++)
        {
            var done = await Task.WhenAll(epochs.Select((epoch, room) =>
                _store.AppendAsync($"room {room}", new LogPosition(epoch, seq - 1), new LogBatch(seq, seq, new byte[8_000]), Cancellation)));
            Assert.DoesNotContain(false, done);
        }

        // 80 MB in all.
        Assert.All(["-log1", "-log2"], beside => Assert.InRange(new FileInfo(Path.Combine(_directory, "chat.db" + beside)).Length, RecordFiles.DefaultLength, RecordFiles.Growth * RecordFiles.DefaultLength));
        using var left = await OpenCopyAsync();
        foreach (var store in new[] { _store, new SqliteLogStore(left) })
        {
            Assert.Equal([1L], await LastsAsync(store, "silent"));
            foreach (var room in Enumerable.Range(0, rooms))
                Assert.Equal(Enumerable.Range(1, 100).Select(seq => (long)seq), await LastsAsync(store, $"room {room}"));
        }
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
            Assert.True(await _store.AppendAsync("room", new LogPosition(epoch, seq - 1), new LogBatch(seq, seq, new byte[100_000]), Cancellation)); // Seven files full.
            Volatile.Write(ref head, seq);
        }
        await ended.CancelAsync();

        Assert.NotEqual(0, await reading);
    }

    [Fact]
    public async Task Who_comes_while_others_are_written_is_written_with_the_next_and_each_hears_what_became_of_it()
    {
        const int rooms = 200;
        var epochs = await Task.WhenAll(Enumerable.Range(0, rooms).Select(room => NewAsync($"room {room}")));

        for (var seq = 1L; seq <= 20; seq++)
        {
            // The right one, one who believes otherwise, and one who comes too late.
            var done = await Task.WhenAll(epochs.SelectMany((epoch, room) => new[] { seq - 1, seq + 7, seq - 1 }.Select(head => Task.Run(
                () => _store.AppendAsync($"room {room}", new LogPosition(epoch, head), Batch(head + 1), Cancellation), Cancellation))));
            Assert.All(done.Chunk(3), answers => Assert.Equal(1, answers.Count(appended => appended)));
        }

        using var left = await OpenCopyAsync();
        foreach (var store in new[] { _store, new SqliteLogStore(left) })
        {
            for (var room = 0; room < rooms; room++)
                Assert.Equal(Enumerable.Range(1, 20).Select(seq => (long)seq), await LastsAsync(store, $"room {room}"));
        }
    }

    [Fact]
    public async Task What_was_cancelled_is_not_appended_and_what_is_opened_then_stays_the_end()
    {
        var epoch = await NewAsync("room");
        using var cancelled = new CancellationTokenSource();
        var appends = Enumerable.Range(0, 50).Select(_ => Task.Run(() => _store.AppendAsync("room", new LogPosition(epoch, 0), Batch(1), cancelled.Token))).ToArray();
        await cancelled.CancelAsync();
        var kept = 0;
        foreach (var append in appends)
        {
            try
            {
                kept += await append ? 1 : 0;
            }
            catch (OperationCanceledException)
            {
            }
        }

        var head = (await OpenAsync("room")).Head;

        Assert.InRange(kept, 0, head); // One that was under way may have come in.
        Assert.True(await _store.AppendAsync("room", new LogPosition(epoch, head), Batch(head + 1), Cancellation));
    }

    public void Dispose()
    {
        _file.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    /// <summary>The file as a process that is killed now leaves it.</summary>
    /// <remarks>Copied as an operation of the writer's: what a checkpoint changes in the data file meanwhile stays in the write-ahead log, which nobody else begins anew.</remarks>
    private async Task<SqliteFile> OpenCopyAsync()
    {
        var path = Path.Combine(_directory, "left.db");
        await _file.WriteAsync(
            _ =>
            {
                foreach (var beside in new[] { "", "-wal", "-log1", "-log2" })
                    File.Copy(Path.Combine(_directory, "chat.db" + beside), path + beside, overwrite: true);
                return true;
            },
            Cancellation);
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

    private static async Task<IEnumerable<long>> LastsAsync(SqliteLogStore store, string room) =>
        (await store.ReadAsync(room, 1, long.MaxValue, Cancellation)).Select(batch => batch.Last);

    private static LogBatch Batch(long last) => new(last, 1_000_000 + last, Encoding.UTF8.GetBytes($"entries up to {last}"));
}
