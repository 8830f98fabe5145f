using System.Threading.Channels;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orleans.Streams;
using Orleans.TestingHost;
using OrleansChat.Grains;
using OrleansChat.Grains.Interfaces;
using OrleansChat.Streaming;
using OrleansChat.Tests.Support;

namespace OrleansChat.Tests.Rooms;

/// <summary>One silo with the embedded store, and a client that reaches it over a connection, as a front does.</summary>
public sealed class ChatCluster : IAsyncLifetime
{
    private readonly InProcessTestCluster _cluster;

    public ChatCluster()
    {
        var builder = new InProcessTestClusterBuilder(1);
        builder.Options.ConfigureFileLogging = false;
        builder.ConfigureHost(host =>
        {
            host.Logging.AddProvider(Log);
            host.Configuration.AddInMemoryCollection(new Dictionary<string, string?>(StringComparer.Ordinal)
            {
                ["Chat:DataPath"] = ":memory:",
                ["Chat:ConnectionsPerUser"] = "3",
                ["Chat:NewRoomsPerMinute"] = "2",
                ["Chat:MembersPerRoom"] = "3",
                ["Chat:MessageChars"] = "10",
                ["Chat:PresenceDetailLimit"] = "2",
            });
        });
        builder.ConfigureSilo((_, silo) =>
        {
            silo.Services.AddSingleton<TimeProvider>(Clock);
            silo.UseEmbeddedStore();
            silo.Services.AddSingleton<IStoreSync>(Sync);
        });
        builder.ConfigureClient(client => client.AddLocalQueueStreams(Feeds.Provider));
        _cluster = builder.Build();
    }

    public IClusterClient Client => _cluster.Client;

    /// <summary>The silo's rooms, as a front of its process reaches them.</summary>
    public IActiveRooms Active => _cluster.GetSiloServiceProvider().GetRequiredService<IActiveRooms>();

    internal ShiftedClock Clock { get; } = new();

    internal AwaitedLog Log { get; } = new();

    internal HeldSync Sync { get; } = new();

    public async ValueTask InitializeAsync() => await _cluster.DeployAsync();

    public Task DeactivateAsync(IGrain grain) => _cluster.DeactivateAsync(grain).Soon("the activation ends");

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();
}

/// <summary>The classes that share it run one after the other.</summary>
[CollectionDefinition(nameof(ChatCluster))]
public sealed class ChatClusterTests : ICollectionFixture<ChatCluster>;

/// <summary>The machine's clock, put forward by a test. Timers tick as they always do: a silo cannot live without.</summary>
internal sealed class ShiftedClock : TimeProvider
{
    private long _shift;

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + TimeSpan.FromTicks(Interlocked.Read(ref _shift));

    public override long GetTimestamp() =>
        base.GetTimestamp() + (long)(TimeSpan.FromTicks(Interlocked.Read(ref _shift)).TotalSeconds * TimestampFrequency);

    public void Advance(TimeSpan by) => Interlocked.Add(ref _shift, by.Ticks);
}

/// <summary>Tells when a line was logged.</summary>
internal sealed class AwaitedLog : ILoggerProvider
{
    private readonly Lock _gate = new();
    private readonly List<(string Text, TaskCompletionSource Seen)> _awaited = [];

    /// <summary>Ends when a line is logged that holds the text.</summary>
    public Task LineAsync(string text)
    {
        var seen = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
            _awaited.Add((text, seen));
        return seen.Task;
    }

    public ILogger CreateLogger(string categoryName) => new Lines(this);

    public void Dispose()
    {
    }

    private void Take(string line)
    {
        lock (_gate)
        {
            foreach (var (_, seen) in _awaited.Where(awaited => line.Contains(awaited.Text, StringComparison.Ordinal)))
                seen.TrySetResult();
        }
    }

    private sealed class Lines(AwaitedLog log) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
                log.Take(formatter(state, exception));
        }
    }
}

/// <summary>What the feeds bring to a front.</summary>
internal sealed class Feed : IAsyncObserver<FeedEvent>
{
    private readonly Channel<FeedEvent> _events = Channel.CreateUnbounded<FeedEvent>();
    private readonly IClusterClient _client;

    private Feed(IClusterClient client) => _client = client;

    public string Front { get; } = Guid.NewGuid().ToString("N");

    public static async Task<Feed> SubscribeAsync(ChatCluster cluster)
    {
        var feed = new Feed(cluster.Client);
        foreach (var stream in feed.Streams)
            await stream.SubscribeAsync(feed).Soon("a front subscribes to its feeds");
        return feed;
    }

    /// <summary>The next event.</summary>
    public Task<FeedEvent> NextAsync(string what) => _events.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().Soon(what);

    /// <summary>The next event of a kind.</summary>
    public async Task<T> NextAsync<T>(string what)
        where T : FeedEvent
    {
        while (true)
        {
            if (await NextAsync(what) is T wanted)
                return wanted;
        }
    }

    /// <summary>How many subscriptions the cluster holds for this front.</summary>
    public async Task<int> SubscriptionsAsync()
    {
        var count = 0;
        foreach (var stream in Streams)
            count += (await stream.GetAllSubscriptionHandles()).Count;
        return count;
    }

    public Task OnNextAsync(FeedEvent item, StreamSequenceToken? token = null)
    {
        _events.Writer.TryWrite(item);
        return Task.CompletedTask;
    }

    public Task OnErrorAsync(Exception ex) => Task.CompletedTask;

    private IEnumerable<IAsyncStream<FeedEvent>> Streams =>
        Enumerable.Range(0, Feeds.Partitions).Select(partition => _client.GetStreamProvider(Feeds.Provider).GetStream<FeedEvent>(Feeds.Stream(Front, partition)));
}
