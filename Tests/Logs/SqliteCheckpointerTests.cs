using System.Buffers.Binary;
using System.Collections.Concurrent;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;
using OrleansChat.Grains.Storage;
using OrleansChat.Tests.Support;

namespace OrleansChat.Tests.Logs;

public sealed class SqliteCheckpointerTests : IDisposable
{
    private const int Megabyte = 1 << 20;
    private const int MegabytesOfALongLog = (SqliteCheckpointer.Pages * PageBytes / Megabyte) + 1;
    private const int PageBytes = 4_096;

    private readonly string _directory = Directory.CreateTempSubdirectory("checkpoint").FullName;
    private readonly CapturedLogs _logs = new();
    private readonly ConcurrentBag<Exception> _refusals = [];

    public void Dispose()
    {
        _logs.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public async Task A_long_log_is_moved_while_nobody_writes_and_begins_anew_with_the_next_transaction()
    {
        using var file = await OpenWithLongLogAsync();
        await BeginAnewAsync(file).Soon("a transaction begins the log anew");
        var longest = new FileInfo(LogPath).Length;
        for (var i = 0; i < 20; i++)
            await WriteLittleAsync(file);
        Assert.Equal(longest, new FileInfo(LogPath).Length);
    }

    [Fact]
    public async Task An_operation_that_throws_when_the_rest_is_to_be_moved_does_not_keep_the_log_from_beginning_anew()
    {
        using var file = await OpenWithLongLogAsync();
        await BeginAnewAsync(file, async () =>
        {
            // Nine times out of ten one of these is the first to end after the move.
            for (var i = 0; i < 9; i++)
                await Assert.ThrowsAsync<InvalidOperationException>(() => file.WriteAsync<int>(_ => throw new InvalidOperationException("a fault"), Cancellation));
        }).Soon("the log begins anew");
        Assert.DoesNotContain(_logs.Lines, line => line.Level == LogLevel.Warning);
    }

    [Fact]
    public async Task A_log_that_somebody_reads_begins_anew_when_they_have_read()
    {
        using var file = await OpenAsync();
        await WriteMegabytesAsync(file, 1); // What is read is in the log, and not all of it in the file.
        using var mayEnd = new SemaphoreSlim(0);
        var isReading = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var reading = file.ReadAsync(
            session =>
            {
                using var row = session.Query("SELECT number FROM heap");
                isReading.SetResult();
                return row.Read() && mayEnd.Wait(TimeSpan.FromSeconds(60), Cancellation);
            },
            Cancellation);
        try
        {
            await isReading.Task.Soon("it is read");
            var before = CheckpointSequence();
            await WriteMegabytesAsync(file, MegabytesOfALongLog + 5);
            Assert.Equal(before, CheckpointSequence());
        }
        finally
        {
            mayEnd.Release();
        }

        Assert.True(await reading.Soon("it was read"));
        await BeginAnewAsync(file).Soon("the log begins anew");
        Assert.DoesNotContain(_logs.Lines, line => line.Level == LogLevel.Warning);
    }

    [Fact]
    public async Task A_commit_that_fails_is_rolled_back_and_the_next_is_not_in_its_way()
    {
        using var file = await OpenAsync();
        await file.WriteAsync(session => session.Execute("CREATE TABLE part (number INTEGER REFERENCES heap DEFERRABLE INITIALLY DEFERRED) STRICT"), Cancellation);

        await Assert.ThrowsAsync<SqliteException>(() => file.WriteAsync(session => session.Execute("INSERT INTO part VALUES (17)"), Cancellation));
        await WriteMegabytesAsync(file, 1);

        Assert.Equal(0, await file.ReadAsync(session => CountOf(session, "part"), Cancellation));
        Assert.Equal(1, await file.ReadAsync(session => CountOf(session, "heap"), Cancellation));

        static long CountOf(SqliteSession session, string table)
        {
            using var row = session.Query($"SELECT count(*) FROM {table}");
            row.Read();
            return row.GetInt64(0);
        }
    }

    [Fact]
    public async Task The_writer_does_not_wait_for_a_move_and_moves_the_rest_when_it_has_ended()
    {
        using var mayMove = new SemaphoreSlim(0);
        var isMoving = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var rests = 0;
        using var checkpointer = Start(
            () =>
            {
                isMoving.TrySetResult();
                mayMove.Wait(Cancellation);
            },
            () => ++rests == 3);

        checkpointer.OnCommitted(SqliteCheckpointer.Pages - 1);
        Assert.False(isMoving.Task.IsCompleted);
        checkpointer.OnCommitted(SqliteCheckpointer.Pages);
        await isMoving.Task.Soon("the log is moved when it is long");
        checkpointer.OnCommitted(SqliteCheckpointer.MostPages - 1);
        Assert.Equal(0, rests);

        var waiting = Task.Run(() => checkpointer.OnCommitted(SqliteCheckpointer.MostPages), Cancellation);
        mayMove.Release();
        await waiting.Soon("a log of 64 MB waits for the move to end");
        Assert.Equal(1, rests);
        for (var i = 0; i < 5; i++)
            checkpointer.OnCommitted(SqliteCheckpointer.MostPages);
        Assert.Equal(3, rests);
    }

    [Fact]
    public async Task Pages_are_counted_beyond_the_highest_number()
    {
        var rests = 0;
        using var checkpointer = Start(() => { }, () => ++rests > 0);

        await MoveAtAsync(int.MaxValue - 10);
        checkpointer.OnCommitted(10);
        Assert.Equal(1, rests);
        await MoveAtAsync(SqliteCheckpointer.Pages);

        async Task MoveAtAsync(int written)
        {
            var before = rests;
            await new Func<bool>(() =>
            {
                checkpointer.OnCommitted(written);
                return rests == before + 1;
            }).Soon($"the log is moved when {written} pages were written");
        }
    }

    [Fact]
    public async Task What_cannot_be_moved_is_told_and_tried_again_when_the_log_has_grown_by_much_more()
    {
        var tries = 0;
        using var checkpointer = Start(
            () =>
            {
                if (Interlocked.Increment(ref tries) == 1)
                    throw new SqliteException("database or disk is full", errorCode: 13);
            },
            () => true);

        var written = 0;
        await new Func<bool>(() =>
        {
            checkpointer.OnCommitted(written += SqliteCheckpointer.Pages);
            return Volatile.Read(ref tries) == 2;
        }).Soon("it is tried again");
        Assert.InRange(written, SqliteCheckpointer.PagesToRetry, int.MaxValue);
        Assert.Single(_logs.Lines, line => line.Level == LogLevel.Warning);
        Assert.Empty(_refusals);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_disk_that_refused_a_sync_is_not_asked_again(bool isOurs)
    {
        var tries = 0;
        using var checkpointer = Start(
            () =>
            {
                Interlocked.Increment(ref tries);
                throw isOurs ? new IOException("fsync: Input/output error.") : new SqliteException("disk I/O error", errorCode: 10, extendedErrorCode: 1034);
            },
            () => Interlocked.Increment(ref tries) > 0);

        checkpointer.OnCommitted(SqliteCheckpointer.Pages);
        await new Func<bool>(() => !_refusals.IsEmpty).Soon("it is told that the disk refused");
        for (var i = 2; i < 20; i++)
            checkpointer.OnCommitted(i * SqliteCheckpointer.Pages);
        checkpointer.Dispose();
        Assert.Equal(1, tries);
        Assert.Single(_refusals);
    }

    [Fact]
    public void The_version_of_SQLite_is_one_that_may_move_a_log_which_begins_anew_meanwhile() =>
        Assert.True(new Version(SQLitePCL.raw.sqlite3_libversion().utf8_to_string()) >= new Version(3, 51, 3), "Earlier ones could corrupt the file: https://www.sqlite.org/wal.html#walresetbug.");

    private SqliteCheckpointer Start(Action move, Func<bool> moveRest) => new(move, moveRest, _refusals.Add, _logs.CreateLogger("checkpoint"));

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string DataPath => Path.Combine(_directory, "chat.db");

    private string LogPath => DataPath + "-wal";

    /// <summary>A file whose log has become so long that it is being moved, or was by now.</summary>
    private async Task<SqliteFile> OpenWithLongLogAsync()
    {
        var file = await OpenAsync();
        await WriteMegabytesAsync(file, MegabytesOfALongLog);
        await new Func<bool>(() => new FileInfo(DataPath).Length > SqliteCheckpointer.Pages * PageBytes).Soon("the log is in the data file, and no transaction ended meanwhile");
        return file;
    }

    private async Task<SqliteFile> OpenAsync()
    {
        var file = new SqliteFile(DataPath, logger: _logs.CreateLogger("file"));
        await file.WriteAsync(session => session.Execute("CREATE TABLE heap (number INTEGER PRIMARY KEY, bytes BLOB) STRICT"), Cancellation);
        return file;
    }

    private static async Task WriteMegabytesAsync(SqliteFile file, int count)
    {
        for (var i = 0; i < count; i++)
            await file.WriteAsync(session => session.Execute("INSERT INTO heap (bytes) VALUES (zeroblob(?1))", (long)Megabyte), Cancellation);
    }

    /// <summary>Small transactions until the log has begun anew.</summary>
    /// <param name="file">Where.</param>
    /// <param name="between">Done before each. Null: nothing.</param>
    private async Task BeginAnewAsync(SqliteFile file, Func<Task>? between = null)
    {
        for (var before = CheckpointSequence(); CheckpointSequence() == before;)
        {
            await (between?.Invoke() ?? Task.CompletedTask);
            await WriteLittleAsync(file);
        }
    }

    private static Task<int> WriteLittleAsync(SqliteFile file) => file.WriteAsync(session => session.Execute("INSERT INTO heap (bytes) VALUES (zeroblob(1))"), Cancellation);

    /// <summary>The log keeps its length when it begins anew; a number in its header grows (https://www.sqlite.org/fileformat2.html#walformat).</summary>
    private uint CheckpointSequence()
    {
        using var log = new FileStream(LogPath, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        Span<byte> header = stackalloc byte[32];
        log.ReadExactly(header);
        return BinaryPrimitives.ReadUInt32BigEndian(header[12..]);
    }
}
