using Orleans.Streams;
using OrleansChat.Tests.Support;

namespace OrleansChat.Tests.Streams;

/// <summary>Takes what one stream brings, event by event, until it has as many as it waits for.</summary>
internal sealed class Subscriber(int expected) : IAsyncObserver<Tick>
{
    private readonly TaskCompletionSource _all = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private readonly List<Tick> _ticks = [];

    /// <summary>What came, up to now.</summary>
    public Tick[] Ticks
    {
        get
        {
            lock (_ticks) return [.. _ticks];
        }
    }

    /// <summary>Runs before an event is taken: waits, throws.</summary>
    public Func<Tick, Task> Before { get; init; } = static _ => Task.CompletedTask;

    public static async Task<Subscriber> ToAsync(IClusterClient client, string provider, string key, int expected, Func<Tick, Task>? before = null)
    {
        var subscriber = new Subscriber(expected) { Before = before ?? (static _ => Task.CompletedTask) };
        await client.GetStreamProvider(provider).GetStream<Tick>("test", key).SubscribeAsync(subscriber).Soon($"the subscription to {key}");
        return subscriber;
    }

    public async Task OnNextAsync(Tick item, StreamSequenceToken? token = null)
    {
        await Before(item);
        lock (_ticks)
        {
            _ticks.Add(item);
            if (_ticks.Count == expected) _all.TrySetResult();
        }
    }

    public Task OnErrorAsync(Exception ex) => Task.CompletedTask;

    /// <summary>Waits for the last expected event; then says which numbers came, in the order they came.</summary>
    public async Task<int[]> NumbersAsync()
    {
        try
        {
            await _all.Task.Soon($"a subscriber got all of {expected} events");
        }
        catch (TimeoutException timeout)
        {
            throw new TimeoutException($"{timeout.Message} It got {Ticks.Length}, the last {Ticks.LastOrDefault()}.", timeout);
        }
        return [.. Ticks.Select(tick => tick.Number)];
    }
}

/// <summary>Takes whole deliveries, and holds the first until it is told to go on.</summary>
internal sealed class BatchSubscriber(int expected) : IAsyncBatchObserver<Tick>
{
    private readonly TaskCompletionSource _all = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _received;

    public TaskCompletionSource Entered { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public TaskCompletionSource GoOn { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public List<int> Deliveries { get; } = [];

    public Task All => _all.Task;

    public async Task OnNextAsync(IList<SequentialItem<Tick>> items)
    {
        Entered.TrySetResult();
        await GoOn.Task;
        Deliveries.Add(items.Count);
        _received += items.Count;
        if (_received >= expected) _all.TrySetResult();
    }

    public Task OnErrorAsync(Exception ex) => Task.CompletedTask;
}
