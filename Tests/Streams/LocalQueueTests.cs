using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;
using Orleans.Streams;
using OrleansChat.Streaming;
using OrleansChat.Tests.Support;

namespace OrleansChat.Tests.Streams;

/// <summary>A queue on its own: who writes, who waits, what full means.</summary>
public sealed class LocalQueueTests
{
    private static readonly StreamId Stream = StreamId.Create("test", "queue");

    [Fact]
    public async Task A_publish_to_a_full_queue_fails_at_once_and_the_next_one_succeeds_once_there_is_room()
    {
        using var adapter = Adapter(capacity: 3);
        for (var number = 0; number < 3; number++) Assert.True(Publish(adapter, number).IsCompletedSuccessfully);

        var refused = Publish(adapter, 3);
        Assert.True(refused.IsFaulted, "The publish was not refused at once.");
        var full = await Assert.ThrowsAsync<LocalQueueFullException>(() => refused);
        Assert.Contains("3 publishes wait", full.Message, StringComparison.Ordinal);

        var queue = Queue(adapter);
        Assert.Single(await queue.GetQueueMessagesAsync(1, CancellationToken.None));
        Assert.True(Publish(adapter, 4).IsCompletedSuccessfully);
        var rest = await queue.GetQueueMessagesAsync(10, CancellationToken.None);
        Assert.Equal([1, 2, 4], rest.SelectMany(batch => batch.GetEvents<Tick>()).Select(tick => tick.Item1.Number));
    }

    [Fact]
    public async Task An_agent_waits_without_polling_until_there_is_something_to_read()
    {
        using var adapter = Adapter(capacity: 3);
        var queue = Queue(adapter);
        var read = queue.GetQueueMessagesAsync(10, CancellationToken.None);
        Assert.False(read.IsCompleted, "The read ended before anything was published.");
        await Publish(adapter, 7);
        var batches = await read.Soon("the read saw what was published");
        Assert.Equal(7, Assert.Single(Assert.Single(batches).GetEvents<Tick>()).Item1.Number);
    }

    [Fact]
    public async Task An_agent_that_stops_reads_nothing_and_no_exception()
    {
        using var adapter = Adapter(capacity: 3);
        using var stop = new CancellationTokenSource();
        var read = Queue(adapter).GetQueueMessagesAsync(10, stop.Token);
        await stop.CancelAsync();
        Assert.Empty(await read.Soon("the read ended when the agent stopped"));
        Assert.Empty(await Queue(adapter).GetQueueMessagesAsync(10, stop.Token).Soon("a read after the stop ended"));
    }

    [Fact]
    public async Task A_publisher_may_use_its_list_again_once_the_publish_returned()
    {
        using var adapter = Adapter(capacity: 3);
        List<Tick> events = [new(1), new(2)];
        await adapter.QueueMessageBatchAsync(Stream, events, null, null);
        events.Clear();
        var read = await Queue(adapter).GetQueueMessagesAsync(10, CancellationToken.None);
        Assert.Equal([1, 2], Assert.Single(read).GetEvents<Tick>().Select(tick => tick.Item1.Number));
    }

    [Fact]
    public async Task A_publish_of_no_event_takes_no_place_in_the_queue()
    {
        using var adapter = Adapter(capacity: 1);
        await adapter.QueueMessageBatchAsync<Tick>(Stream, [], null, null);
        Assert.True(Publish(adapter, 0).IsCompletedSuccessfully);
    }

    [Fact]
    public void Each_event_has_a_token_of_its_own_and_later_ones_are_newer()
    {
        var batch = new LocalBatch<Tick>(Stream, [new(1), new(2)]) { Sequence = 5 };
        var next = new LocalBatch<Tick>(Stream, [new(3)]) { Sequence = 6 };
        var tokens = batch.GetEvents<Tick>().Concat(next.GetEvents<Tick>()).Select(tick => tick.Item2).ToArray();
        Assert.True(tokens[0].CompareTo(tokens[1]) < 0 && tokens[1].CompareTo(tokens[2]) < 0);
    }

    [Theory]
    [InlineData("QueueCount")]
    [InlineData("ChannelCapacity")]
    [InlineData("CacheSize")]
    [InlineData("DeliveryTime")]
    [InlineData("DrainTime")]
    public void An_option_out_of_its_range_is_refused_with_its_name(string option)
    {
        var refusal = Assert.Throws<ValidationException>(() => Host.CreateApplicationBuilder().UseOrleans(silo =>
            silo.AddLocalQueueStreams("feeds", options =>
            {
                var property = typeof(LocalQueueOptions).GetProperty(option)!;
                property.SetValue(options, property.PropertyType == typeof(int) ? -1 : TimeSpan.FromDays(1));
            })));
        Assert.Contains(option, refusal.Message, StringComparison.Ordinal);
    }

    private static LocalQueueAdapter Adapter(int capacity) =>
        new("test", new LocalQueueOptions { QueueCount = 1, ChannelCapacity = capacity }, publishes: true, NullLoggerFactory.Instance);

    private static IQueueAdapterReceiver Queue(LocalQueueAdapter adapter) =>
        adapter.CreateReceiver(((IQueueAdapterFactory)adapter).GetStreamQueueMapper().GetQueueForStream(Stream));

    private static Task Publish(LocalQueueAdapter adapter, int number) => adapter.QueueMessageBatchAsync(Stream, [new Tick(number)], null, null);
}
