using OrleansChat.Streaming;
using OrleansChat.Tests.Support;

namespace OrleansChat.Tests.Streams;

[Collection(Alone.Name)]
public sealed class LullTests
{
    [Fact]
    public async Task Whatever_several_threads_post_is_executed_once()
    {
        const int Threads = 4, Each = 5_000;
        var lull = new Lull(patience: 3);
        var executed = new int[Threads * Each];
        var left = executed.Length;
        var all = new TaskCompletionSource();
        await Task.WhenAll(Enumerable.Range(0, Threads).Select(thread => Task.Run(() =>
        {
            for (var i = 0; i < Each; i++)
            {
                var number = (thread * Each) + i;
                lull.Post(new Work(() =>
                {
                    Interlocked.Increment(ref executed[number]);
                    if (Interlocked.Decrement(ref left) == 0) all.TrySetResult();
                }));
            }
        })));
        await all.Task.Soon("all that was posted was executed");
        Assert.All(executed, times => Assert.Equal(1, times));
    }

    [Fact]
    public async Task A_pool_that_always_has_something_else_to_do_does_not_keep_the_work_waiting_for_ever()
    {
        using var pool = new BusyPool();
        var executed = new TaskCompletionSource();
        new Lull(patience: 8).Post(new Work(() => executed.TrySetResult()));
        await executed.Task.Soon("the work was executed beside work that never ends");
    }

    [Fact]
    public async Task What_gives_way_to_all_else_keeps_no_work_waiting_and_takes_turns_with_its_kind()
    {
        var over = false;
        for (var i = 0; i < 256 + ThreadPool.ThreadCount; i++)
        {
            Background background = null!;
            background = new Background(() =>
            {
                if (!Volatile.Read(ref over))
                    background.Post();
            });
            background.Post();
        }

        Assert.False(Background.HasItsTurn());
        var executed = new TaskCompletionSource();
        new Lull(patience: int.MaxValue).Post(new Work(() => executed.TrySetResult()));
        await executed.Task.Soon("the work was executed beside what gives way");
        Volatile.Write(ref over, true);
    }

    [Fact]
    public async Task The_work_gets_nothing_of_its_posters_context()
    {
        var context = new AsyncLocal<string?> { Value = "the poster's" };
        var seen = new TaskCompletionSource<string?>();
        new Lull(patience: 0).Post(new Work(() => seen.TrySetResult(context.Value)));
        Assert.Null(await seen.Task.Soon("the work was executed"));
    }

    private sealed class Work(Action run) : IThreadPoolWorkItem
    {
        public void Execute() => run();
    }
}
