using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Streams;
using OrleansChat.Grains.Interfaces;

namespace OrleansChat.Tests.Fronts;

/// <summary>The cluster's streams, as a front's feed sees them: subscriptions that the cluster may forget.</summary>
internal sealed class FakeFeeds
{
    private readonly ConcurrentDictionary<StreamId, Stream> _streams = new();

    public FakeFeeds(FakeCluster cluster)
    {
        Cluster = StandIn.Of<IClusterClient>(this);
        ServiceProvider = new ServiceCollection().AddKeyedSingleton(Feeds.Provider, StandIn.Of<IStreamProvider>(this)).BuildServiceProvider();
        OnCall = () => cluster.OnFeedCall();
    }

    public IClusterClient Cluster { get; }

    public IServiceProvider ServiceProvider { get; }

    private Func<Task> OnCall { get; }

    public int Subscriptions => _streams.Values.Sum(stream => stream.Handles.Count);

    public IAsyncStream<T> GetStream<T>(StreamId id) => StandIn.Of<IAsyncStream<T>>(_streams.GetOrAdd(id, _ => new Stream(this)));

    /// <summary>What a cut of a gateway that lasts too long does.</summary>
    public void Forget(int partition) => _streams.First(stream => stream.Key.ToString().EndsWith($"/{partition}", StringComparison.Ordinal)).Value.Handles.Clear();

    private sealed class Stream(FakeFeeds feeds)
    {
        public List<StreamSubscriptionHandle<FeedEvent>> Handles { get; } = [];

        public async Task<IList<StreamSubscriptionHandle<FeedEvent>>> GetAllSubscriptionHandles()
        {
            await feeds.OnCall();
            return [.. Handles];
        }

        public async Task<StreamSubscriptionHandle<FeedEvent>> SubscribeAsync(IAsyncBatchObserver<FeedEvent> observer)
        {
            await feeds.OnCall();
            var handle = new Handle(this);
            Handles.Add(handle);
            return handle;
        }
    }

    private sealed class Handle(Stream stream) : StreamSubscriptionHandle<FeedEvent>
    {
        public override StreamId StreamId => default;

        public override string ProviderName => Feeds.Provider;

        public override Guid HandleId { get; } = Guid.NewGuid();

        public override Task UnsubscribeAsync()
        {
            stream.Handles.Remove(this);
            return Task.CompletedTask;
        }

        public override Task<StreamSubscriptionHandle<FeedEvent>> ResumeAsync(IAsyncObserver<FeedEvent> observer, StreamSequenceToken? token = null) => throw new NotSupportedException();

        public override Task<StreamSubscriptionHandle<FeedEvent>> ResumeAsync(IAsyncBatchObserver<FeedEvent> observer, StreamSequenceToken? token = null) => throw new NotSupportedException();

        public override bool Equals(StreamSubscriptionHandle<FeedEvent>? other) => ReferenceEquals(this, other);
    }
}
