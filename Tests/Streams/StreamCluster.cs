using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Orleans.TestingHost;
using OrleansChat.Streaming;

namespace OrleansChat.Tests.Streams;

/// <summary>Two silos and a client that reaches them over connections, so that what it gets has been serialized.</summary>
public sealed class StreamCluster : IAsyncLifetime
{
    /// <summary>The defaults.</summary>
    public const string Feeds = "feeds";

    /// <summary>One queue for all streams, and a cache far smaller than a burst.</summary>
    public const string Narrow = "narrow";

    /// <summary>As narrow, and a delivery that fails is given up at once.</summary>
    public const string Impatient = "impatient";

    public const int NarrowCache = 256;

    private readonly InProcessTestCluster _cluster;

    public StreamCluster()
    {
        var builder = new InProcessTestClusterBuilder(2);
        builder.Options.ConfigureFileLogging = false;
        builder.ConfigureHost(host => host.Logging.AddProvider(Errors));
        builder.ConfigureSilo((_, silo) => silo.AddMemoryGrainStorage("PubSubStore")
            .AddLocalQueueStreams(Feeds)
            .AddLocalQueueStreams(Narrow, options => (options.QueueCount, options.CacheSize) = (1, NarrowCache))
            .AddLocalQueueStreams(Impatient, options => (options.QueueCount, options.DeliveryTime) = (1, TimeSpan.FromMilliseconds(1))));
        builder.ConfigureClient(client => client.AddLocalQueueStreams(Feeds).AddLocalQueueStreams(Narrow).AddLocalQueueStreams(Impatient));
        _cluster = builder.Build();
    }

    public IClusterClient Client => _cluster.Client;

    internal ErrorLog Errors { get; } = new();

    /// <summary>
    /// The client a silo has of itself: same process, same objects. A subscriber that waits stops all deliveries to its client, so a test whose
    /// subscriber does wait has it here.
    /// </summary>
    public IClusterClient OwnClientOf(int silo) => (IClusterClient)_cluster.Silos[silo].ServiceProvider.GetService(typeof(IClusterClient))!;

    /// <summary>Publishes where the publisher lives.</summary>
    public IPublisher Publisher(string key) => Client.GetGrain<IPublisher>(key);

    /// <summary>Stops one silo, gracefully.</summary>
    public Task StopSiloAsync(int silo) => _cluster.StopSiloAsync(_cluster.Silos[silo]);

    public Task StopAsync() => _cluster.StopAllSilosAsync();

    public async ValueTask InitializeAsync() => await _cluster.DeployAsync();

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();
}

/// <summary>Keeps what is logged as an error or worse.</summary>
internal sealed class ErrorLog : ILoggerProvider
{
    public ConcurrentQueue<string> Lines { get; } = new();

    public ILogger CreateLogger(string categoryName) => new Log(this, categoryName);

    public void Dispose()
    {
    }

    private sealed class Log(ErrorLog errors, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Error;

        void ILogger.Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel)) errors.Lines.Enqueue($"{category}: {formatter(state, exception)} {exception}");
        }
    }
}
