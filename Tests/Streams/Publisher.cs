using System.Collections.Concurrent;
using Orleans.Placement;
using Orleans.Streams;

namespace OrleansChat.Tests.Streams;

[PreferLocalPlacement]
internal sealed class Publisher : Grain, IPublisher
{
    private static readonly ConcurrentDictionary<string, Tick> Published = new(StringComparer.Ordinal);

    private (string Provider, string Stream, int From, int Count)? _atTheEnd;

    /// <summary>The object that was published last, in this process, to that stream.</summary>
    public static Tick LastOf(string stream) => Published[stream];

    public async Task Publish(string provider, string stream, int from, int count)
    {
        var ticks = this.GetStreamProvider(provider).GetStream<Tick>("test", stream);
        for (var number = from; number < from + count; number++) await ticks.OnNextAsync(Published[stream] = new Tick(number));
    }

    public Task PublishAtTheEnd(string provider, string stream, int from, int count)
    {
        _atTheEnd = (provider, stream, from + count, count);
        return Publish(provider, stream, from, count);
    }

    public Task PublishTogether(string provider, string stream, int from, int count) =>
        this.GetStreamProvider(provider).GetStream<Tick>("test", stream)
            .OnNextBatchAsync(Enumerable.Range(from, count).Select(number => new Tick(number)));

    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken) =>
        _atTheEnd is { } last ? Publish(last.Provider, last.Stream, last.From, last.Count) : Task.CompletedTask;
}

[Alias("test.publisher")]
public interface IPublisher : IGrainWithStringKey
{
    /// <summary>Publishes ticks, one by one, from <paramref name="from"/> on, to a stream.</summary>
    [Alias("Publish")]
    Task Publish(string provider, string stream, int from, int count);

    /// <summary>The same, and as many again while the silo's stop deactivates the grain.</summary>
    [Alias("PublishAtTheEnd")]
    Task PublishAtTheEnd(string provider, string stream, int from, int count);

    /// <summary>Publishes ticks in one publish.</summary>
    [Alias("PublishTogether")]
    Task PublishTogether(string provider, string stream, int from, int count);
}
