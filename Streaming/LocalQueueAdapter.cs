using System.Collections.Frozen;
using Microsoft.Extensions.Logging;
using Orleans.Configuration;
using Orleans.Streams;

namespace OrleansChat.Streaming;

/// <summary>
/// Persistent streams whose queues are channels of this process: a publish is a channel write, and every silo's agents deliver what its own
/// grains published. Nothing outlives the process; whoever needs that keeps a log.
/// </summary>
internal sealed class LocalQueueAdapter : IQueueAdapterFactory, IQueueAdapter, IQueueAdapterCache, IDisposable
{
    private readonly LocalQueueOptions _options;
    private readonly bool _publishes;
    private readonly ILogger _log;
    private readonly HashRingBasedStreamQueueMapper _mapper;
    private readonly FrozenDictionary<QueueId, LocalQueue> _queues;
    private readonly NoOpStreamDeliveryFailureHandler _failures = new(faultOnError: false);

    /// <param name="name">The stream provider's name.</param>
    /// <param name="options">How large, how long.</param>
    /// <param name="publishes">False where no agent runs, in a client: there a publish is refused.</param>
    /// <param name="loggers">Where a lagging consumer is reported.</param>
    public LocalQueueAdapter(string name, LocalQueueOptions options, bool publishes, ILoggerFactory loggers)
    {
        Name = name;
        _options = options;
        _publishes = publishes;
        _log = loggers.CreateLogger(typeof(LocalQueueCache).FullName + "." + name);
        _mapper = new HashRingBasedStreamQueueMapper(new HashRingStreamQueueMapperOptions { TotalQueueCount = options.QueueCount }, name);
        _queues = _mapper.GetAllQueues().ToFrozenDictionary(id => id, _ => new LocalQueue(options.ChannelCapacity));
    }

    public string Name { get; }

    public bool IsRewindable => false;

    /// <summary>Whether every consumer has taken everything that was published here.</summary>
    public bool IsDelivered => _queues.Values.All(queue => queue.IsDelivered);

    public StreamProviderDirection Direction => StreamProviderDirection.ReadWrite;

    /// <summary>Hands the events to the stream's queue and returns: nothing is awaited, serialized or copied but the list.</summary>
    /// <param name="streamId">The stream.</param>
    /// <param name="events">One or more events that nobody changes any more. None: nothing happens.</param>
    /// <param name="token">Null; these streams give the tokens themselves.</param>
    /// <param name="requestContext">Does not travel.</param>
    /// <exception cref="LocalQueueFullException">The queue is full (in the task returned).</exception>
    /// <exception cref="InvalidOperationException">This process is a client of the cluster (in the task returned).</exception>
    public Task QueueMessageBatchAsync<T>(StreamId streamId, IEnumerable<T> events, StreamSequenceToken? token, Dictionary<string, object>? requestContext)
    {
        if (!_publishes)
            return Task.FromException(new InvalidOperationException($"The streams of '{Name}' are published to by grains only: this process is a client of the cluster and has no queues. Call a grain that publishes."));
        if (token is not null)
            return Task.FromException(new ArgumentException($"The streams of '{Name}' give the sequence tokens themselves.", nameof(token)));
        T[] copy = [.. events];
        if (copy.Length == 0) return Task.CompletedTask;
        var id = _mapper.GetQueueForStream(streamId);
        return _queues[id].TryWrite(new LocalBatch<T>(streamId, copy))
            ? Task.CompletedTask
            : Task.FromException(new LocalQueueFullException($"The queue {id} of the streams '{Name}' is full: {_options.ChannelCapacity} publishes wait in it."));
    }

    public IQueueAdapterReceiver CreateReceiver(QueueId queueId) => _queues[queueId];

    public IQueueCache CreateQueueCache(QueueId queueId) => new LocalQueueCache(_queues[queueId], _options.CacheSize, TimeProvider.System, _log);

    Task<IQueueAdapter> IQueueAdapterFactory.CreateAdapter() => Task.FromResult<IQueueAdapter>(this);

    Task<IQueueAdapter> IQueueAdapterFactory.CreateAdapter(CancellationToken cancellationToken) => Task.FromResult<IQueueAdapter>(this);

    IQueueAdapterCache IQueueAdapterFactory.GetQueueAdapterCache() => this;

    IStreamQueueMapper IQueueAdapterFactory.GetStreamQueueMapper() => _mapper;

    /// <returns>One that does nothing: a delivery that fails must not end a subscription.</returns>
    Task<IStreamFailureHandler> IQueueAdapterFactory.GetDeliveryFailureHandler(QueueId queueId) => Task.FromResult<IStreamFailureHandler>(_failures);

    public void Dispose()
    {
        foreach (var queue in _queues.Values) queue.Dispose();
    }
}
