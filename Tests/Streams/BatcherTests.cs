using System.Collections.Concurrent;
using System.Threading.Channels;
using CsCheck;
using Microsoft.Extensions.Time.Testing;
using OrleansChat.Streaming;
using OrleansChat.Tests.Support;

namespace OrleansChat.Tests.Streams;

public sealed class BatcherTests
{
    [Fact]
    public async Task What_gathers_while_a_drain_is_under_way_is_the_next_batch()
    {
        var step = new Step();
        var batcher = new Batcher<int>(100, step.RunAsync);
        Assert.True(batcher.TryPost(1));
        await step.BeganAsync();
        foreach (var item in new[] { 2, 3, 4 }) Assert.True(batcher.TryPost(item));
        Assert.Equal([[1]], step.Batches);
        step.Finish();
        step.Finish();
        await batcher.CompleteAsync().Soon("the batcher drained what it had accepted");
        Assert.Equal([[1], [2, 3, 4]], step.Batches);
    }

    [Fact]
    public async Task A_full_batcher_refuses_at_once_and_the_batch_under_way_does_not_count()
    {
        var step = new Step();
        var batcher = new Batcher<int>(2, step.RunAsync);
        batcher.TryPost(1);
        await step.BeganAsync();
        Assert.Equal([true, true, false], new[] { 2, 3, 4 }.Select(batcher.TryPost));
        step.Finish();
        step.Finish();
        await batcher.CompleteAsync().Soon("the batcher drained what it had accepted");
        Assert.Equal([[1], [2, 3]], step.Batches);
    }

    [Fact]
    public async Task A_closed_batcher_refuses_finishes_what_waits_and_then_is_complete()
    {
        var step = new Step();
        var batcher = new Batcher<int>(100, step.RunAsync);
        batcher.TryPost(1);
        await step.BeganAsync();
        batcher.TryPost(2);
        var completion = batcher.CompleteAsync();
        Assert.False(batcher.TryPost(3));
        step.Finish();
        await step.BeganAsync();
        Assert.False(completion.IsCompleted, "It was complete before the last batch had ended.");
        step.Finish();
        await completion.Soon("the completion");
        Assert.Equal([[1], [2]], step.Batches);
        Assert.Same(completion, batcher.CompleteAsync());
    }

    [Fact]
    public void A_batcher_that_never_had_anything_to_do_is_complete_as_soon_as_it_is_closed() =>
        Assert.True(new Batcher<int>(1, _ => Task.CompletedTask).CompleteAsync().IsCompletedSuccessfully);

    [Fact]
    public async Task After_a_drain_that_throws_the_next_batch_follows()
    {
        var drained = new List<int>();
        var begins = Channel.CreateUnbounded<int>();
        var batcher = new Batcher<int>(100, batch =>
        {
            begins.Writer.TryWrite(batch[0]);
            if (batch[0] == 1) throw new InvalidOperationException("at once");
            drained.AddRange(batch);
            return batch[0] == 2 ? Task.FromException(new InvalidOperationException("later")) : Task.CompletedTask;
        });
        foreach (var item in new[] { 1, 2, 3 })
        {
            Assert.True(batcher.TryPost(item));
            Assert.Equal(item, await begins.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().Soon($"the drain of {item} began"));
        }

        await batcher.CompleteAsync().Soon("the batcher got over two failures");
        Assert.Equal([2, 3], drained);
    }

    [Fact]
    public async Task No_drain_runs_within_a_post_nor_in_the_posters_context()
    {
        var context = new AsyncLocal<string?>();
        var within = 0;
        var batcher = new Batcher<int>(1_000, _ =>
        {
            if (context.Value is not null) Interlocked.Increment(ref within);
            return Task.CompletedTask;
        });
        await Task.Run(async () =>
        {
            context.Value = "posting";
            for (var i = 0; i < 100; i++) Assert.True(batcher.TryPost(i));
            await batcher.CompleteAsync().Soon("a hundred items posted and drained");
        }, TestContext.Current.CancellationToken);
        Assert.Equal(0, within);
    }

    [Fact]
    public async Task A_poster_is_not_kept_by_a_step_that_ends_at_once_while_others_post()
    {
        const int Many = 1_000_000;
        Batcher<int>? batcher = null;
        var drains = 0;
        var returned = false;
        batcher = new Batcher<int>(10, _ =>
        {
            if (++drains < Many && !Volatile.Read(ref returned)) batcher!.TryPost(drains); // somebody always posts
            return Task.CompletedTask;
        });
        var drainsBefore = await Task.Run(() =>
        {
            batcher.TryPost(0);
            Volatile.Write(ref returned, true);
            return Volatile.Read(ref drains);
        }, TestContext.Current.CancellationToken).Soon("the post returned");
        await batcher.CompleteAsync().Soon("the batcher drained what it had accepted");
        Assert.InRange(drainsBefore, 0, Many - 1);
    }

    [Fact]
    public async Task A_run_waits_for_as_many_as_were_in_the_last_one_for_as_long_as_they_come()
    {
        var (time, step) = (new FakeTimeProvider(), new Step());
        var batcher = await AfterARunOfThreeAsync(step, time);
        batcher.TryPost(1);
        await LetThePoolTurnAsync();
        time.Advance(Batcher<int>.Patience * 0.9);
        batcher.TryPost(2);
        await LetThePoolTurnAsync();
        time.Advance(Batcher<int>.Patience * 0.9);
        await LetThePoolTurnAsync();
        Assert.Equal(2, step.Batches.Count);
        batcher.TryPost(3);
        step.Finish();
        await batcher.CompleteAsync().Soon("the batcher drained what it had accepted");
        Assert.Equal([1, 2, 3], step.Batches[^1]);
    }

    [Fact]
    public async Task A_run_that_nobody_joins_waits_for_its_patience_and_after_four_of_these_not_at_all()
    {
        var (time, step) = (new WatchedTime(), new Step());
        var batcher = await AfterARunOfThreeAsync(step, time);
        for (var run = 1; run <= 4; run++)
        {
            var looked = time.NextLookAsync();
            batcher.TryPost(run);
            await looked;
            await LetThePoolTurnAsync();
            Assert.Equal(1 + run, step.Batches.Count);
            time.Advance(Batcher<int>.Patience);
            await step.BeganAsync();
            step.Finish();
        }

        batcher.TryPost(5);
        step.Finish();
        await batcher.CompleteAsync().Soon("the batcher drained what it had accepted");
        Assert.Equal([[1], [2], [3], [4], [5]], step.Batches[2..]);
    }

    [Fact]
    public Task Whatever_several_threads_post_is_drained_once_in_each_threads_order_by_one_drain_at_a_time_within_the_capacity() =>
        Gen.Select(Gen.Int[1, 20], Gen.Int[1, 4], Gen.Int[1, 300], Gen.Int[0, 7], Gen.Int[0, 5]).SampleAsync(
            async (capacity, threads, count, pause, failing) =>
            {
                var (underWay, overlaps, tooLarge) = (0, 0, 0);
                var drained = new ConcurrentQueue<(int Thread, int Number)>();
                var batcher = new Batcher<(int Thread, int Number)>(
                    capacity,
                    async batch =>
                    {
                        if (Interlocked.Increment(ref underWay) != 1) Interlocked.Increment(ref overlaps);
                        if (batch.Count > capacity || batch.Count == 0) Interlocked.Increment(ref tooLarge);
                        foreach (var item in batch) drained.Enqueue(item);
                        var fails = failing > 0 && drained.Count % 6 < failing;
                        if (pause > 0 && batch[0].Number % pause == 0) await Task.Yield();
                        Interlocked.Decrement(ref underWay);
                        if (fails) throw new InvalidOperationException("thrown by a test");
                    });
                var accepted = await Task.WhenAll(Enumerable.Range(0, threads).Select(thread => Task.Run(() =>
                    Enumerable.Range(0, count).Where(number => batcher.TryPost((thread, number))).ToArray())));
                await batcher.CompleteAsync().Soon("the batcher drained what it had accepted");
                Assert.Equal((0, 0), (overlaps, tooLarge));
                for (var thread = 0; thread < threads; thread++)
                    Assert.Equal(accepted[thread], drained.Where(item => item.Thread == thread).Select(item => item.Number));
            },
            iter: 300);

    private static async Task<Batcher<int>> AfterARunOfThreeAsync(Step step, TimeProvider time)
    {
        var batcher = new Batcher<int>(100, step.RunAsync, time);
        batcher.TryPost(-4);
        await step.BeganAsync();
        foreach (var item in new[] { -3, -2, -1 }) batcher.TryPost(item);
        step.Finish();
        await step.BeganAsync();
        step.Finish();
        Assert.Equal([[-4], [-3, -2, -1]], step.Batches);
        return batcher;
    }

    /// <summary>All that was ready before has had its turn, many times.</summary>
    private static Task LetThePoolTurnAsync() => Task.Run(
        async () =>
        {
            for (var i = 0; i < 500; i++) await Task.Yield();
        },
        TestContext.Current.CancellationToken);

    /// <summary>A clock that says when somebody looks at it.</summary>
    private sealed class WatchedTime : FakeTimeProvider
    {
        private volatile TaskCompletionSource _looked = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>Ends when somebody has looked from now on.</summary>
        public Task NextLookAsync()
        {
            _looked = new(TaskCreationOptions.RunContinuationsAsynchronously);
            return _looked.Task.Soon("somebody looks at the clock");
        }

        public override long GetTimestamp()
        {
            var now = base.GetTimestamp();
            _looked?.TrySetResult(); // The base's constructor looks, too.
            return now;
        }
    }

    /// <summary>A slow step that ends when it is told to.</summary>
    private sealed class Step
    {
        private readonly Channel<bool> _ends = Channel.CreateUnbounded<bool>();
        private readonly Channel<bool> _begins = Channel.CreateUnbounded<bool>();

        public List<int[]> Batches { get; } = [];

        public Task<bool> RunAsync(IReadOnlyList<int> batch)
        {
            Batches.Add([.. batch]);
            _begins.Writer.TryWrite(true);
            return _ends.Reader.ReadAsync().AsTask();
        }

        /// <summary>Ends when another run has begun.</summary>
        public Task<bool> BeganAsync() => _begins.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().Soon("a run began");

        public void Finish() => _ends.Writer.TryWrite(true);
    }
}
