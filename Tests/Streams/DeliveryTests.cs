using Orleans.Streams;
using OrleansChat.Tests.Support;

namespace OrleansChat.Tests.Streams;

/// <summary>What publishers and subscribers may rely on, with silos and subscribers apart.</summary>
public sealed class DeliveryTests(StreamCluster cluster) : IClassFixture<StreamCluster>
{
    private const int NarrowBurst = 20 * StreamCluster.NarrowCache;

    [Fact]
    public async Task A_subscriber_gets_ten_thousand_events_in_order_and_none_twice()
    {
        var subscriber = await Subscriber.ToAsync(cluster.Client, StreamCluster.Feeds, "ten-thousand", 10_000);
        await cluster.Publisher("ten-thousand").Publish(StreamCluster.Feeds, "ten-thousand", 0, 10_000);
        Assert.Equal(Enumerable.Range(0, 10_000), await subscriber.NumbersAsync());
    }

    [Fact]
    public async Task The_events_of_one_publish_arrive_in_order()
    {
        var subscriber = await Subscriber.ToAsync(cluster.Client, StreamCluster.Feeds, "together", 600);
        for (var from = 0; from < 600; from += 100) await cluster.Publisher("together").PublishTogether(StreamCluster.Feeds, "together", from, 100);
        Assert.Equal(Enumerable.Range(0, 600), await subscriber.NumbersAsync());
    }

    [Fact]
    public async Task Fifty_streams_at_once_each_keep_their_order()
    {
        var keys = Enumerable.Range(0, 50).Select(i => $"many-{i}").ToArray();
        var subscribers = await Task.WhenAll(keys.Select(key => Subscriber.ToAsync(cluster.Client, StreamCluster.Feeds, key, 400)));
        for (var from = 0; from < 400; from += 40)
            await Task.WhenAll(keys.Select(key => cluster.Publisher(key).Publish(StreamCluster.Feeds, key, from, 40)));
        foreach (var subscriber in subscribers) Assert.Equal(Enumerable.Range(0, 400), await subscriber.NumbersAsync());
    }

    [Fact]
    public async Task A_burst_larger_than_the_cache_loses_nothing_on_a_stream_that_is_new_to_its_agent_and_on_one_that_is_not()
    {
        var subscriber = await Subscriber.ToAsync(cluster.Client, StreamCluster.Narrow, "burst", 2 * NarrowBurst);
        await cluster.Publisher("burst").Publish(StreamCluster.Narrow, "burst", 0, NarrowBurst);
        await cluster.Publisher("burst").Publish(StreamCluster.Narrow, "burst", NarrowBurst, NarrowBurst);
        Assert.Equal(Enumerable.Range(0, 2 * NarrowBurst), await subscriber.NumbersAsync());
    }

    [Fact]
    public async Task A_consumer_that_stands_still_loses_the_oldest_and_does_not_stop_the_other_streams_of_its_queue()
    {
        var goOn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var stuck = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var last = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var lagging = await Subscriber.ToAsync(cluster.OwnClientOf(1), StreamCluster.Narrow, "lagging", int.MaxValue, tick =>
        {
            stuck.TrySetResult();
            if (tick.Number == NarrowBurst) last.TrySetResult();
            return goOn.Task;
        });
        var healthy = await Subscriber.ToAsync(cluster.Client, StreamCluster.Narrow, "healthy", 1_000);

        await cluster.Publisher("lagging").Publish(StreamCluster.Narrow, "lagging", 0, 1);
        await stuck.Task.Soon("the lagging consumer got its first event");
        await cluster.Publisher("lagging").Publish(StreamCluster.Narrow, "lagging", 1, NarrowBurst);
        await cluster.Publisher("lagging").Publish(StreamCluster.Narrow, "healthy", 0, 1_000); // the same silo, the same queue
        Assert.Equal(Enumerable.Range(0, 1_000), await healthy.NumbersAsync());

        goOn.SetResult();
        await last.Task.Soon("the lagging consumer got the newest event once it went on");
        var numbers = lagging.Ticks.Select(tick => tick.Number).ToArray();
        Assert.True(numbers.Length < NarrowBurst, "The consumer lost nothing, so this test did not show what it is for.");
        Assert.Equal(numbers.Order().Distinct(), numbers);
        Assert.Equal(Enumerable.Range(NarrowBurst - 100, 99), numbers.Where(number => number is >= NarrowBurst - 100 and < NarrowBurst - 1));
    }

    [Fact]
    public async Task What_gathers_during_a_delivery_goes_out_64_publishes_at_a_time()
    {
        var subscriber = new BatchSubscriber(641);
        await cluster.OwnClientOf(1).GetStreamProvider(StreamCluster.Impatient).GetStream<Tick>("test", "batches").SubscribeAsync(subscriber);
        await cluster.Publisher("batches").Publish(StreamCluster.Impatient, "batches", 0, 1);
        await subscriber.Entered.Task.Soon("the first delivery");

        var marker = await Subscriber.ToAsync(cluster.Client, StreamCluster.Impatient, "behind", 1);
        await cluster.Publisher("batches").Publish(StreamCluster.Impatient, "batches", 1, 640);
        await cluster.Publisher("batches").Publish(StreamCluster.Impatient, "behind", 0, 1);
        await marker.NumbersAsync(); // the same silo, the same queue: so the agent has read all that came before

        subscriber.GoOn.SetResult();
        await subscriber.All.Soon("641 events");
        Assert.Equal([1, .. Enumerable.Repeat(64, 10)], subscriber.Deliveries);
    }

    [Fact]
    public async Task A_subscriber_that_throws_once_gets_the_same_event_again()
    {
        var threw = false;
        var subscriber = await Subscriber.ToAsync(cluster.Client, StreamCluster.Feeds, "throws-once", 3, tick =>
        {
            if (tick.Number != 1 || threw) return Task.CompletedTask;
            threw = true;
            throw new InvalidOperationException("thrown by a test");
        });
        foreach (var number in Enumerable.Range(0, 3)) await cluster.Publisher("throws-once").Publish(StreamCluster.Feeds, "throws-once", number, 1);
        Assert.Equal([0, 1, 2], (await subscriber.NumbersAsync()).Distinct());
        Assert.True(threw);
    }

    [Fact]
    public async Task A_subscriber_that_throws_at_an_event_every_time_loses_it_and_keeps_its_subscription()
    {
        var thrown = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var subscriber = await Subscriber.ToAsync(cluster.Client, StreamCluster.Impatient, "throws", 2, tick =>
        {
            if (tick.Number != 0) return Task.CompletedTask;
            thrown.TrySetResult();
            throw new InvalidOperationException("thrown by a test");
        });
        await cluster.Publisher("throws").Publish(StreamCluster.Impatient, "throws", 0, 1);
        await thrown.Task.Soon("the event at which the subscriber throws");
        await cluster.Publisher("throws").Publish(StreamCluster.Impatient, "throws", 1, 2);
        var numbers = await subscriber.NumbersAsync();
        Assert.Equal([1, 2], numbers);
        var handles = await cluster.Client.GetStreamProvider(StreamCluster.Impatient).GetStream<Tick>("test", "throws").GetAllSubscriptionHandles();
        Assert.Single(handles);
    }

    [Fact]
    public async Task Within_one_process_a_subscriber_gets_the_very_object_that_was_published()
    {
        var client = cluster.OwnClientOf(0);
        var subscriber = await Subscriber.ToAsync(client, StreamCluster.Feeds, "own", 1);
        await client.GetGrain<IPublisher>("own").Publish(StreamCluster.Feeds, "own", 7, 1);
        await subscriber.NumbersAsync();
        Assert.Same(Publisher.LastOf("own"), Assert.Single(subscriber.Ticks));
    }

    [Fact]
    public async Task A_client_of_the_cluster_that_publishes_is_told_that_only_grains_do()
    {
        var stream = cluster.Client.GetStreamProvider(StreamCluster.Feeds).GetStream<Tick>("test", "from-a-client");
        var refusal = await Assert.ThrowsAsync<InvalidOperationException>(() => stream.OnNextAsync(new Tick(0)));
        Assert.Contains("published to by grains only", refusal.Message, StringComparison.Ordinal);
    }

}
