using CsCheck;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Orleans.Streams;
using OrleansChat.Streaming;

namespace OrleansChat.Tests.Streams;

/// <summary>What an agent's cache keeps, for whom, and for how long.</summary>
public sealed class LocalQueueCacheTests : IDisposable
{
    private const int Size = 64;

    private static readonly StreamId Stream = StreamId.Create("test", "one");
    private static readonly StreamId Other = StreamId.Create("test", "two");

    private readonly LocalQueue _queue = new(1);
    private readonly FakeTimeProvider _time = new();
    private readonly LocalQueueCache _cache;
    private long _sequence;

    public LocalQueueCacheTests() => _cache = new LocalQueueCache(_queue, Size, _time, NullLogger.Instance);

    public void Dispose() => _queue.Dispose();

    [Fact]
    public void An_agent_never_adds_as_many_at_once_as_a_stream_keeps()
    {
        foreach (var size in new[] { 16, 100, 1_024, 4_096, 1_048_576 })
            Assert.InRange(new LocalQueueCache(_queue, size, _time, NullLogger.Instance).GetMaxAddCount(), 1, size - 1);
    }

    [Fact]
    public void A_cursor_without_a_token_begins_with_what_comes_next_and_one_with_a_token_begins_there()
    {
        Add(Stream, 10);
        using var fresh = _cache.GetCacheCursor(Stream, null);
        using var late = _cache.GetCacheCursor(Stream, Token(4));
        Add(Stream, 2);
        Assert.Equal([11, 12], Take(fresh));
        Assert.Equal([4, 5, 6, 7, 8, 9, 10, 11, 12], Take(late));
    }

    [Fact]
    public void A_cursor_that_lags_loses_the_oldest_and_keeps_the_newest()
    {
        using var lagging = _cache.GetCacheCursor(Stream, null);
        Add(Stream, Size + 10);
        Assert.Equal(Enumerable.Range(11, Size).Select(number => (long)number), Take(lagging));
    }

    [Fact]
    public void The_queue_waits_for_a_consumer_that_moves_and_not_for_one_that_stands_still()
    {
        using var cursor = _cache.GetCacheCursor(Stream, null);
        Add(Stream, Size);
        for (var reads = 0; reads < 50; reads++)
        {
            Assert.Equal(0, _cache.GetMaxAddCount());
            if (reads % 10 == 9) Move(cursor);
        }
        for (var reads = 0; reads < 20; reads++) _cache.GetMaxAddCount();
        Assert.InRange(_cache.GetMaxAddCount(), 1, Size);
    }

    [Fact]
    public void The_queue_does_not_wait_for_ever_for_a_consumer_that_moves_but_never_catches_up()
    {
        using var cursor = _cache.GetCacheCursor(Stream, null);
        Add(Stream, Size);
        var waits = 0;
        while (_cache.GetMaxAddCount() == 0)
        {
            Assert.True(++waits < 10_000, "The queue still waits.");
            Move(cursor);
            Add(Stream, 1);
        }
        Assert.InRange(waits, 100, 1_000);

        Take(cursor);
        Assert.InRange(_cache.GetMaxAddCount(), 1, Size); // it has caught up: from here on it is waited for again
        Add(Stream, Size);
        Assert.Equal(0, _cache.GetMaxAddCount());
    }

    [Fact]
    public void What_nobody_waits_for_is_let_go_and_what_somebody_waits_for_is_not()
    {
        Add(Stream, 10);
        using var waiting = _cache.GetCacheCursor(Other, null);
        Add(Other, 10);
        for (var sweeps = 0; sweeps < 3; sweeps++)
        {
            _time.Advance(TimeSpan.FromMinutes(1));
            Assert.False(_cache.TryPurgeFromCache(out _));
        }
        Assert.Equal(1, _cache.Streams);
        Assert.Equal(10, Take(waiting).Length);
    }

    [Fact]
    public void Everything_counts_as_delivered_only_when_every_cursor_has_asked_in_vain()
    {
        Assert.True(_queue.IsDelivered);
        using var first = _cache.GetCacheCursor(Stream, null);
        var second = _cache.GetCacheCursor(Stream, null);
        Assert.True(_queue.TryWrite(Batch(Stream)));
        Assert.False(_queue.IsDelivered);
        _cache.AddToCache([Batch(Stream)]);
        Assert.True(Move(first));
        Assert.False(_queue.IsDelivered);
        Assert.False(Move(first));
        Assert.False(_queue.IsDelivered);
        second.Dispose();
        Assert.True(_queue.IsDelivered);
    }

    [Fact]
    public void Cursors_that_open_move_and_close_at_any_time_see_what_a_simple_list_would_show_them() =>
        Gen.Int[0, 9].Array[1, 400].Sample(Follow);

    // Each step is one of: a few batches come, a cursor opens at the end or at a sequence, the backlog is swept, a cursor closes or takes some.
    private static void Follow(int[] steps)
    {
        using var queue = new LocalQueue(1);
        var backlog = new Backlog(queue, 16, 4);
        var cursors = new List<(IQueueCacheCursor Cursor, long Next)>();
        long last = 0, keptFrom = 1;
        var used = true;
        for (var i = 0; i < steps.Length; i++)
        {
            var one = cursors.Count == 0 ? 0 : i % cursors.Count;
            switch (steps[i])
            {
                case < 4:
                    for (var n = 0; n <= steps[i] * 3; n++) backlog.Add(new LocalBatch<Tick>(Stream, []) { Sequence = ++last });
                    used = true;
                    break;
                case 4:
                    cursors.Add((backlog.Open(null), last + 1));
                    used = true;
                    break;
                case 5:
                    var from = Math.Max(keptFrom, last - 2); // the last four stay for latecomers, unless swept
                    cursors.Add((backlog.Open(last - 2), from));
                    used = true;
                    break;
                case 6:
                    backlog.Sweep();
                    if (!used) keptFrom = cursors.Select(cursor => cursor.Next).Append(last + 1).Min();
                    used = false;
                    break;
                case 7 when cursors.Count > 0:
                    cursors[one].Cursor.Dispose();
                    cursors.RemoveAt(one);
                    break;
                case > 7 when cursors.Count > 0:
                    var (cursor, next) = cursors[one];
                    for (var n = 0; n < i % 7; n++)
                    {
                        next = Math.Max(next, last - 15); // what is further behind than the backlog is long is lost
                        Assert.Equal(next <= last, Move(cursor));
                        if (next > last) break;
                        Assert.Equal(next++, cursor.GetCurrent(out _)!.SequenceToken.SequenceNumber);
                    }
                    cursors[one] = (cursor, next);
                    break;
            }
        }
        foreach (var (cursor, next) in cursors)
            Assert.Equal(Math.Max(0, last - Math.Max(next, last - 15) + 1), Take(cursor).Length);
        Assert.True(queue.IsDelivered);
    }

    private static bool Move(IQueueCacheCursor cursor) => cursor.MoveNextWithResult() == QueueCacheCursorMoveResult.Success;

    private static long[] Take(IQueueCacheCursor cursor)
    {
        var taken = new List<long>();
        while (Move(cursor)) taken.Add(cursor.GetCurrent(out _)!.SequenceToken.SequenceNumber);
        return [.. taken];
    }

    private static StreamSequenceToken Token(long sequence) => new LocalBatch<Tick>(Stream, []) { Sequence = sequence }.SequenceToken;

    private LocalBatch<Tick> Batch(StreamId stream) => new(stream, [new Tick(0)]) { Sequence = ++_sequence };

    private void Add(StreamId stream, int count)
    {
        for (var i = 0; i < count; i++) _cache.AddToCache([Batch(stream)]);
    }
}
