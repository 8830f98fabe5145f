using Microsoft.Extensions.Time.Testing;
using OrleansChat.Grains.Logs;
using OrleansChat.Grains.Storage;
using OrleansChat.Tests.Support;

namespace OrleansChat.Tests.Logs;

/// <summary>What was appended goes to where it stays, a piece at a time, and is all there meanwhile.</summary>
public sealed class LogMoverTests : IDisposable
{
    private const int PayloadBytes = 10_000;

    private readonly string _directory = Directory.CreateTempSubdirectory("chat-mover-").FullName;
    private readonly FakeTimeProvider _time = new();
    private readonly SqliteFile _file;
    private readonly SqliteLogStore _store;

    public LogMoverTests()
    {
        _file = new SqliteFile(Path.Combine(_directory, "chat.db"));
        _store = new SqliteLogStore(_file, time: _time);
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _file.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public async Task A_minute_later_all_is_in_the_data_file_itself()
    {
        var epoch = await AppendAsync(1);
        Assert.Equal(0, await MovedAsync());

        _time.Advance(TimeSpan.FromMinutes(1));

        Assert.Equal(1, await MovedAsync()); // The move was asked for first.
        Assert.True(await _store.AppendAsync("room", new LogPosition(epoch, 1), Batch(2), Cancellation));
        Assert.Equal([1L, 2], await LastsAsync());
    }

    [Fact]
    public async Task The_first_of_all_is_moved_a_second_later_and_from_then_on_each_minute()
    {
        var epoch = await AppendAsync(1);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(1, await MovedAsync());

        Assert.True(await _store.AppendAsync("room", new LogPosition(epoch, 1), Batch(2), Cancellation));
        _time.Advance(TimeSpan.FromSeconds(59));
        Assert.Equal(1, await MovedAsync());
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(2, await MovedAsync());
    }

    [Fact]
    public async Task Much_is_moved_in_pieces_with_a_rest_between_two_and_is_all_there_meanwhile()
    {
        const int batches = 100;
        await AppendAsync(batches);

        _time.Advance(TimeSpan.FromMinutes(1));

        for (var moved = 0L; moved < batches;)
        {
            var before = moved;
            await MoveMoreThanAsync(before).Soon($"more than {before} batches are moved");
            moved = await MovedAsync();
            Assert.InRange(moved - before, 1, batches / 3);
            for (var i = 0; i < 20; i++)
                Assert.Equal(moved, await MovedAsync()); // As long as the clock stands.
            var log = (await _store.OpenAsync("room", create: false, Cancellation))!;
            Assert.Equal((batches, batches * PayloadBytes), (log.Head, log.Bytes));
            Assert.Equal(Enumerable.Range(1, batches).Select(seq => (long)seq), await LastsAsync());
        }

        async Task MoveMoreThanAsync(long moved)
        {
            for (; await MovedAsync() == moved; await Task.Yield())
                _time.Advance(TimeSpan.FromMilliseconds(10)); // Until the rest, which may not have begun yet, is over.
        }
    }

    [Fact]
    public async Task Who_trims_between_two_pieces_finds_the_rest_moved()
    {
        var epoch = await AppendAsync(100);
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.InRange(await MovedAsync(), 1, 88);

        Assert.True(await _store.TrimAsync("room", (await _store.OpenAsync("room", create: false, Cancellation))!, 90, 89 * PayloadBytes, Cancellation));
        Assert.True(await _store.AppendAsync("room", new LogPosition(epoch, 100), Batch(101), Cancellation));

        Assert.Equal(Enumerable.Range(90, 12).Select(seq => (long)seq), await LastsAsync());
        var log = (await _store.OpenAsync("room", create: false, Cancellation))!;
        Assert.Equal((101, 90, 12 * PayloadBytes), (log.Head, log.First, log.Bytes));
    }

    /// <summary>Where the log ends that has been moved.</summary>
    private Task<long> MovedAsync() => _file.WriteAsync(session => LogSegments.Header(session, "room")!.Value.Head, Cancellation);

    /// <returns>The new room's epoch.</returns>
    private async Task<string> AppendAsync(int batches)
    {
        var epoch = (await _store.OpenAsync("room", create: true, Cancellation))!.Epoch;
        for (var seq = 1L; seq <= batches; seq++)
            Assert.True(await _store.AppendAsync("room", new LogPosition(epoch, seq - 1), Batch(seq), Cancellation));
        return epoch;
    }

    private async Task<IEnumerable<long>> LastsAsync() => (await _store.ReadAsync("room", 1, long.MaxValue, Cancellation)).Select(batch => batch.Last);

    private static LogBatch Batch(long last) => new(last, last, new byte[PayloadBytes]);
}
