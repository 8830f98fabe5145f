using OrleansChat.Tests.Support;

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
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var published = Publisher.EndOf("farewell");
        var subscriber = await Subscriber.ToAsync(_cluster.OwnClientOf(1), StreamCluster.Feeds, "farewell", 3_000, _ =>
        {
            begun.TrySetResult();
            return published; // so that nearly everything is still to be delivered when the silo could be gone
        });
        var publisher = _cluster.OwnClientOf(0).GetGrain<IPublisher>("farewell"); // which prefers the silo it is called from
        await publisher.PublishAtTheEnd(StreamCluster.Feeds, "farewell", 0, 1_500);
        await begun.Task.Soon("the first event of the stream");
        await _cluster.StopSiloAsync(0).Soon("the stop of the silo");
        Assert.Equal(Enumerable.Range(0, 3_000), await subscriber.NumbersAsync());
    }

    [Fact]
    public async Task A_cluster_that_stops_with_idle_streams_on_every_silo_logs_no_error()
    {
        for (var silo = 0; silo < 2; silo++)
        {
            var client = _cluster.OwnClientOf(silo);
            var subscriber = await Subscriber.ToAsync(client, StreamCluster.Feeds, $"idle-{silo}", 1);
            await client.GetGrain<IPublisher>($"idle-{silo}").Publish(StreamCluster.Feeds, $"idle-{silo}", 0, 1);
            await subscriber.NumbersAsync();
        }
        await _cluster.StopAsync().Soon("the stop of the cluster");
        Assert.Empty(_cluster.Errors.Lines);
    }
}
