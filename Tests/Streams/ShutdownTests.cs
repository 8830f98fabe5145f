namespace OrleansChat.Tests.Streams;

/// <summary>What a silo that stops does with its streams. Each test has a cluster of its own, for it stops it.</summary>
public sealed class ShutdownTests : IAsyncLifetime
{
    private readonly StreamCluster _cluster = new();

    public ValueTask InitializeAsync() => _cluster.InitializeAsync();

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    [Fact]
    public async Task A_silo_that_stops_delivers_what_its_grains_published_even_while_they_deactivated()
    {
        var warm = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var subscriber = await Subscriber.ToAsync(_cluster.OwnClientOf(1), StreamCluster.Feeds, "farewell", 6_000, _ =>
        {
            warm.TrySetResult();
            return Task.CompletedTask;
        });
        var publisher = _cluster.OwnClientOf(0).GetGrain<IPublisher>("farewell"); // which prefers the silo it is called from
        await publisher.PublishAtTheEnd(StreamCluster.Feeds, "farewell", 0, 3_000);
        await Within.LimitAsync(warm.Task, "the first event of the stream");
        await Within.LimitAsync(_cluster.StopSiloAsync(0), "the stop of the silo");
        Assert.Equal(Enumerable.Range(0, 6_000), await subscriber.NumbersAsync());
    }

    [Fact]
    public async Task A_cluster_that_stops_with_idle_streams_logs_no_error()
    {
        var subscriber = await Subscriber.ToAsync(_cluster.Client, StreamCluster.Feeds, "idle", 1);
        await _cluster.Publisher("idle").Publish(StreamCluster.Feeds, "idle", 0, 1);
        await subscriber.NumbersAsync();
        await Within.LimitAsync(_cluster.StopAsync(), "the stop of the cluster");
        Assert.Empty(_cluster.Errors.Lines);
    }
}
