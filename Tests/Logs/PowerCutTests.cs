using System.Text;
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
        byte[] onDisk = [];
        using var file = Open("chat.db", "first", log =>
        {
            onDisk = new byte[RandomAccess.GetLength(log)];
            RandomAccess.Read(log, onDisk, 0);
        });
        var (store, epoch) = await FillAsync(file);
        await file.SyncAsync().Soon("the disk has it");
        Assert.True(await store.AppendAsync(Room, new LogPosition(epoch, 2), Batch(3), Cancellation));

        using var left = Open(Left("chat.db", onDisk), boot: "second");
        var after = new SqliteLogStore(left);
        var log = (await after.OpenAsync(Room, create: false, Cancellation))!;
        Assert.Equal(2, log.Head);
        Assert.NotEqual(epoch, log.Epoch);
        Assert.True(await after.AppendAsync(Room, new LogPosition(log.Epoch, 2), Batch(3), Cancellation));
    }

    [Fact]
    public async Task What_a_dead_process_wrote_is_on_the_disk_before_anyone_reads_it()
    {
        using var file = Open("chat.db", boot: "first");
        await FillAsync(file);
        var name = Left("chat.db");
        var flushed = 0;
        using var left = Open(name, "first", _ => flushed++);

        Assert.Equal(1, flushed);
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

        Assert.True(new FileInfo(Path.Combine(_directory, "chat.db-wal")).Length > 32 * megabyte, "The log is left for the next start.");
        using var left = Open("chat.db", "first");
        Assert.NotEmpty(left.Life);
        Assert.Equal(last, (await new SqliteLogStore(left).OpenAsync(Room, create: false, Cancellation))!.Head);
    }

    [Fact]
    public async Task A_link_to_the_file_is_followed()
    {
        File.CreateSymbolicLink(Path.Combine(_directory, "link.db"), Path.Combine(_directory, "chat.db"));
        using (var file = Open("link.db", boot: "first"))
        {
            await FillAsync(file);
            await file.SyncAsync().Soon("the disk has it");
        }

        using var again = Open("chat.db", boot: "first");
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

    private static async Task<(SqliteLogStore Store, string Epoch)> FillAsync(SqliteFile file)
    {
        var store = new SqliteLogStore(file);
        var epoch = (await store.OpenAsync(Room, create: true, Cancellation))!.Epoch;
        Assert.True(await store.AppendAsync(Room, new LogPosition(epoch, 0), Batch(1), Cancellation));
        Assert.True(await store.AppendAsync(Room, new LogPosition(epoch, 1), Batch(2), Cancellation));
        return (store, epoch);
    }

    private SqliteFile Open(string name, string boot, Action<SafeFileHandle>? flush = null, Action? refused = null) =>
        new(Path.Combine(_directory, name), machine: new SqliteMachine(boot, flush ?? SqliteMachine.This.Flush), refused: refused);

    /// <summary>The file as it is left when all ends now, or with what the disk had of its log: left-1.db, left-2.db, …</summary>
    private string Left(string name, byte[]? log = null)
    {
        var left = Path.Combine(_directory, $"left-{++_copies}.db");
        File.Copy(Path.Combine(_directory, name), left);
        File.WriteAllBytes(left + "-wal", log ?? ReadShared(Path.Combine(_directory, name + "-wal")));
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
