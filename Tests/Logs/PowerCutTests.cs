using System.Text;
using Microsoft.Extensions.Time.Testing;
using Microsoft.Win32.SafeHandles;
using OrleansChat.Grains.Logs;
using OrleansChat.Grains.Storage;
using OrleansChat.Tests.Support;

namespace OrleansChat.Tests.Logs;

/// <summary>What is left of a data file when its process or its machine goes down, and what is made of it.</summary>
public sealed class PowerCutTests : IDisposable
{
    private const string Room = "lobby";

    private readonly string _directory = Directory.CreateTempSubdirectory("chat-cut-").FullName;
    private int _copies;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task After_a_power_cut_the_log_goes_on_under_another_epoch_and_the_old_one_is_nobodys()
    {
        using var file = Open("chat.db", boot: "first");
        var (_, epoch) = await FillAsync(file);

        using var left = Open(Left("chat.db"), boot: "second");
        var store = new SqliteLogStore(left);
        var log = (await store.OpenAsync(Room, create: false, Cancellation))!;

        Assert.Equal((2, 1, $"{epoch}.{left.Life}"), (log.Head, log.First, log.Epoch));
        Assert.NotEmpty(left.Life);
        Assert.Equal([1L, 2L], (await store.ReadAsync(Room, 1, 2, Cancellation)).Select(batch => batch.Last));
        Assert.False(await store.AppendAsync(Room, new LogPosition(epoch, 2), Batch(3), Cancellation));
        Assert.False(await store.AddFrontAsync(Room, epoch, "front", Cancellation));
        Assert.True(await store.AddFrontAsync(Room, log.Epoch, "front", Cancellation));
        Assert.True(await store.RemoveFrontAsync(Room, log.Epoch, "front", Cancellation));
        Assert.True(await store.AppendAsync(Room, new LogPosition(log.Epoch, 2), Batch(3), Cancellation));
        Assert.True(await store.TrimAsync(Room, log, first: 2, bytes: Batch(1).Payload.Length, Cancellation));
        Assert.True(await store.ResetAsync(Room, new LogPosition(log.Epoch, 3), Cancellation));
        Assert.EndsWith($".{left.Life}", (await store.OpenAsync("another", create: true, Cancellation))!.Epoch, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Each_power_cut_makes_another_epoch_and_a_repeat_is_known_in_all_of_them()
    {
        using var first = Open("chat.db", boot: "first");
        var epochs = new List<string> { (await FillAsync(first)).Epoch };
        using var second = Open(Left("chat.db"), boot: "second");
        using var third = Open(Left("left-1.db"), boot: "third");

        foreach (var file in new[] { second, third })
            epochs.Add((await new SqliteLogStore(file).OpenAsync(Room, create: false, Cancellation))!.Epoch);
        Assert.Equal(3, epochs.Distinct(StringComparer.Ordinal).Count());
        Assert.Single(epochs.Select(epoch => EntryHash.OfId(epoch, "alice", "1")).Distinct());
    }

    [Theory]
    [InlineData(true, "second")]
    [InlineData(false, "first")]
    public async Task A_process_that_is_stopped_or_dies_alone_leaves_the_epoch_as_it_is(bool isStopped, string next)
    {
        var file = Open("chat.db", boot: "first");
        var (_, epoch) = await FillAsync(file);
        if (isStopped)
            file.Dispose();
        using var left = Open(isStopped ? "chat.db" : Left("chat.db"), next);
        file.Dispose();

        Assert.Equal(epoch, (await new SqliteLogStore(left).OpenAsync(Room, create: false, Cancellation))!.Epoch);
    }

    [Fact]
    public async Task What_was_synced_is_there_after_the_cut_and_what_was_not_may_be_gone_and_makes_way()
    {
        var disk = new Disk();
        using var file = Open("chat.db", "first", disk.Flush);
        var (store, epoch) = await FillAsync(file);
        await file.SyncAsync().Soon("the disk has it");
        Assert.True(await store.AppendAsync(Room, new LogPosition(epoch, 2), Batch(3), Cancellation));

        using var left = Open(Left("chat.db", disk), boot: "second");
        var after = new SqliteLogStore(left);
        var log = (await after.OpenAsync(Room, create: false, Cancellation))!;
        Assert.Equal(2, log.Head);
        Assert.NotEqual(epoch, log.Epoch);
        Assert.True(await after.AppendAsync(Room, new LogPosition(log.Epoch, 2), Batch(3), Cancellation));
    }

    [Theory]
    [InlineData("")] // All as it was flushed the last time,
    [InlineData("-wal")] // or some of it newer: nothing keeps a disk from having more.
    [InlineData("-log1", "-log2")]
    public async Task What_was_synced_is_there_wherever_it_was_moved_to_meanwhile(params string[] newer)
    {
        const int size = 100_000;
        var disk = new Disk(); // It is not told when SQLite syncs the write-ahead log by itself, before it moves it into the data file: that does not happen here.
        using var file = Open("chat.db", "first", disk.Flush, logPages: int.MaxValue);
        var (store, epoch) = await FillAsync(file);
        var synced = 0L;
        for (var last = 3L; last <= 400; last++)
        {
            Assert.True(await store.AppendAsync(Room, new LogPosition(epoch, last - 1), new LogBatch(last, 1_000, new byte[size]), Cancellation));
            if (last % 170 == 80) // Before a file is full; the other is written twice until the next time.
            {
                await file.SyncAsync().Soon("the disk has it");
                synced = last;
            }
            else if (last % 170 is 90 or 169)
            {
                using var left = Open(Left("chat.db", disk, newer), boot: $"cut at {last}");
                var lasts = (await new SqliteLogStore(left).ReadAsync(Room, 1, long.MaxValue, Cancellation)).Select(batch => batch.Last).ToList();
                Assert.Equal(Enumerable.Range(1, lasts.Count).Select(seq => (long)seq), lasts);
                Assert.InRange(lasts.Count, synced, last);
            }
        }
    }

    [Fact]
    public async Task What_was_written_in_part_ends_the_log_and_what_is_left_of_before_is_not_taken_for_new()
    {
        using var file = Open("chat.db", boot: "first");
        var (store, epoch) = await FillAsync(file, new FakeTimeProvider()); // Nothing is moved.
        for (var last = 2L; last < 12; last++)
            Assert.True(await store.AppendAsync(Room, new LogPosition(epoch, last), Batch(last + 1), Cancellation));
        var records = ReadShared(Path.Combine(_directory, "chat.db-log1"));
        var starts = new List<int> { 0 };
        while (BitConverter.ToInt32(records, starts[^1]) is > 0 and var length)
            starts.Add(starts[^1] + RecordFile.HeadBytes + length);
        Assert.Equal(12, starts.Count - 1);

        for (var at = 0; at < starts[^1]; at += 41)
        {
            // The record that holds this byte is not what it was: it ends there, and those before it are whole.
            var torn = (byte[])records.Clone();
            torn[at] ^= 0x40;
            var name = Left("chat.db");
            File.WriteAllBytes(Path.Combine(_directory, name + "-log1"), torn);
            using var left = Open(name, boot: "second");
            var lasts = (await new SqliteLogStore(left).ReadAsync(Room, 1, long.MaxValue, Cancellation)).Select(batch => batch.Last).ToList();
            Assert.Equal(Enumerable.Range(1, lasts.Count).Select(seq => (long)seq), lasts);
            Assert.Equal(starts.FindLastIndex(start => start <= at), lasts.Count);
        }
    }

    [Fact]
    public async Task What_a_dead_process_wrote_is_on_the_disk_before_anyone_reads_it()
    {
        using var file = Open("chat.db", boot: "first");
        await FillAsync(file);
        var disk = new Disk();
        using var left = Open(Left("chat.db"), "first", disk.Flush);

        using var again = Open(Left("left-1.db", disk), "second");
        Assert.Equal(2, (await new SqliteLogStore(again).OpenAsync(Room, create: false, Cancellation))!.Head);
    }

    [Fact]
    public async Task What_a_cut_left_without_what_came_before_it_does_not_come_back_behind_something_else()
    {
        const int megabytes = 3 << 20;
        using var file = Open("chat.db", boot: "first");
        var store = new SqliteLogStore(file);
        var epoch = (await store.OpenAsync(Room, create: true, Cancellation))!.Epoch;
        for (var last = 1L; last <= 3; last++) // Two in the first file, one in the second.
            Assert.True(await store.AppendAsync(Room, new LogPosition(epoch, last - 1), new LogBatch(last, 1_000, new byte[megabytes]), Cancellation));
        var name = Left("chat.db");
        var log1 = Path.Combine(_directory, name + "-log1");
        var torn = await File.ReadAllBytesAsync(log1, Cancellation);
        torn[megabytes + 1_000] ^= 1; // In the second record.
        await File.WriteAllBytesAsync(log1, torn, Cancellation);

        for (var start = 0; start < 3; start++)
        {
            using var left = Open(name, boot: "second");
            var after = new SqliteLogStore(left);
            var log = (await after.OpenAsync(Room, create: false, Cancellation))!;
            Assert.Equal(start == 0 ? 1 : 2, log.Head);
            if (start == 0)
                Assert.True(await after.AppendAsync(Room, new LogPosition(log.Epoch, 1), Batch(2), Cancellation));
            name = Left(name);
        }
    }

    [Fact]
    public async Task A_disk_that_refuses_while_the_file_is_closed_has_refused()
    {
        var refuses = false;
        var file = Open("chat.db", "first", _ =>
        {
            if (refuses)
                throw new IOException("Input/output error.");
        });
        await FillAsync(file);
        refuses = true;
        Assert.Throws<IOException>(file.Dispose);

        using var left = Open("chat.db", boot: "first");
        Assert.NotEmpty(left.Life);
        Assert.Equal(2, (await new SqliteLogStore(left).OpenAsync(Room, create: false, Cancellation))!.Head);
    }

    [Fact]
    public async Task A_file_that_was_closed_has_nothing_beside_it()
    {
        using (var file = Open("chat.db", boot: "first"))
            await FillAsync(file);

        Assert.Equal(["chat.db", "chat.db.lock"], Directory.GetFiles(_directory).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        using var again = Open("chat.db", boot: "second");
        Assert.Equal(2, (await new SqliteLogStore(again).OpenAsync(Room, create: false, Cancellation))!.Head);
    }

    [Theory]
    [InlineData("first")]
    [InlineData("second")]
    public async Task After_the_disk_refused_nothing_is_stored_any_more_and_the_next_life_begins(string next)
    {
        var refuses = false;
        var refused = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        void Flush(SafeFileHandle _)
        {
            if (refuses)
                throw new IOException("Input/output error.");
        }

        using (var file = Open("chat.db", "first", Flush, refused.SetResult))
        {
            var (store, epoch) = await FillAsync(file);
            refuses = true;
            await Assert.ThrowsAsync<IOException>(() => file.SyncAsync().Soon("the disk refuses"));
            await refused.Task.Soon("the host is told");
            var unstored = await Assert.ThrowsAsync<IOException>(() => store.AppendAsync(Room, new LogPosition(epoch, 2), Batch(3), Cancellation));
            Assert.Contains("until a restart", unstored.Message, StringComparison.Ordinal);
        }

        Assert.True(new FileInfo(Path.Combine(_directory, "chat.db-wal")).Length > 0, "The log is left for the next start.");
        using (var left = Open("chat.db", next))
            Assert.NotEmpty(left.Life);
        using var later = Open("chat.db", "third");
        Assert.Equal(2, (await new SqliteLogStore(later).OpenAsync(Room, create: false, Cancellation))!.Head);
    }

    [Theory]
    [InlineData("full")]
    [InlineData("normal")]
    public async Task A_disk_that_refuses_what_is_moved_from_the_log_into_the_file_has_refused_too(string sync)
    {
        const int megabyte = 1 << 20;
        var refuses = false;
        var refused = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var machine = new SqliteMachine("first", _ =>
        {
            if (refuses)
                throw new IOException("Input/output error.");
        });
        long last = 2;
        using (var file = new SqliteFile(Path.Combine(_directory, "chat.db"), sync == "full" ? DataSync.Full : DataSync.Normal, null, machine, refused.SetResult))
        {
            var (store, epoch) = await FillAsync(file);
            refuses = true;
            var unstored = await Assert.ThrowsAsync<IOException>(async () =>
            {
                for (; last < 200; last++)
                    Assert.True(await store.AppendAsync(Room, new LogPosition(epoch, last), new LogBatch(last + 1, 1_000, new byte[megabyte]), Cancellation));
            });
            Assert.Contains("until a restart", unstored.Message, StringComparison.Ordinal);
            await refused.Task.Soon("the host is told");
        }

        Assert.True(File.Exists(Path.Combine(_directory, "chat.db-log1")), "The log is left for the next start.");
        using var left = Open("chat.db", "first");
        Assert.NotEmpty(left.Life);
        Assert.Equal(last, (await new SqliteLogStore(left).OpenAsync(Room, create: false, Cancellation))!.Head);
    }

    [Fact]
    public async Task A_link_to_the_file_is_followed_to_what_lies_beside_it()
    {
        File.CreateSymbolicLink(Path.Combine(_directory, "link.db"), Path.Combine(_directory, "chat.db"));
        using var file = Open("link.db", boot: "first");
        await FillAsync(file);
        await file.SyncAsync().Soon("the disk has it");

        using var again = Open(Left("chat.db"), boot: "first");
        Assert.Equal(2, (await new SqliteLogStore(again).OpenAsync(Room, create: false, Cancellation))!.Head);
    }

    [Theory]
    [InlineData("chat.db", "normal")]
    [InlineData(SqliteFile.InMemory, "full")]
    public async Task Where_nothing_is_synced_nobody_has_to_wait(string name, string sync)
    {
        using var file = new SqliteFile(
            name == SqliteFile.InMemory ? name : Path.Combine(_directory, name), sync == "normal" ? DataSync.Normal : DataSync.Full);
        await FillAsync(file);

        Assert.False(file.IsNeeded);
        Assert.True(file.SyncAsync().IsCompletedSuccessfully);
    }

    private static LogBatch Batch(long last) => new(last, 1_000 + last, Encoding.UTF8.GetBytes($"entries up to {last}"));

    private static async Task<(SqliteLogStore Store, string Epoch)> FillAsync(SqliteFile file, TimeProvider? time = null)
    {
        var store = new SqliteLogStore(file, time: time);
        var epoch = (await store.OpenAsync(Room, create: true, Cancellation))!.Epoch;
        Assert.True(await store.AppendAsync(Room, new LogPosition(epoch, 0), Batch(1), Cancellation));
        Assert.True(await store.AppendAsync(Room, new LogPosition(epoch, 1), Batch(2), Cancellation));
        return (store, epoch);
    }

    private SqliteFile Open(string name, string boot, Action<SafeFileHandle>? flush = null, Action? refused = null, int logPages = SqliteCheckpointer.Pages) =>
        new(Path.Combine(_directory, name), machine: new SqliteMachine(boot, flush ?? SqliteMachine.This.Flush), refused: refused, logPages: logPages);

    /// <summary>The file as it is left when all ends now, or with what the disk had of the files beside it: left-1.db, left-2.db, …</summary>
    private string Left(string name, Disk? disk = null, params string[] newer)
    {
        var left = Path.Combine(_directory, $"left-{++_copies}.db");
        File.Copy(Path.Combine(_directory, name), left);
        disk?.Write(left);
        foreach (var beside in disk is null ? ["-wal", "-log1", "-log2"] : newer.Where(beside => beside.Length > 0))
            File.WriteAllBytes(left + beside, ReadShared(Path.Combine(_directory, name + beside)));
        return Path.GetFileName(left);
    }

    private static byte[] ReadShared(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var bytes = new MemoryStream();
        file.CopyTo(bytes);
        return bytes.ToArray();
    }
}
