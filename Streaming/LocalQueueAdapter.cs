using System.Collections.Frozen;
using Microsoft.Extensions.Logging;
using Orleans.Configuration;
using Orleans.Streams;

namespace OrleansChat.Streaming;

/// <summary>
/// Persistent streams whose queues are channels of this process: a publish is a channel write, and every silo's agents deliver what its own
/// grains published. Nothing outlives the process; whoever needs that keeps a log.
/// </summary>
internal sealed class LocalQueueAdapter : IQueueAdapterFactory, IQueueAdapter, IQueueAdapterCache, ILifecycleParticipant<ISiloLifecycle>, IDisposable
{
    /// <summary>
    /// The stage at which agents start, and stop. The default stops them before grains deactivate (19998), and what those publish at last
    /// is lost. Between the two, at <see cref="DrainStage"/>, a silo waits until everything is delivered.
    /// </summary>
    public const int AgentStage = ServiceLifecycleStage.ApplicationServices + 1;

    private const int DrainStage = AgentStage + 1;
    private static readonly TimeSpan DrainCheck = TimeSpan.FromMilliseconds(5);

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

    void ILifecycleParticipant<ISiloLifecycle>.Participate(ISiloLifecycle lifecycle) =>
        lifecycle.Subscribe($"{nameof(LocalQueueAdapter)}.{Name}", DrainStage, static _ => Task.CompletedTask, DrainAsync);

    /// <summary>Waits until every consumer has what was published, <see cref="LocalQueueOptions.DrainTime"/> at most.</summary>
    private async Task DrainAsync(CancellationToken cancellationToken)
    {
        var start = TimeProvider.System.GetTimestamp();
        // Twice in a row: between the cache and the cursors of a stream that is new to its agent, a batch counts nowhere for a moment.
        for (var calm = 0; calm < 2; calm = _queues.Values.All(queue => queue.IsDelivered) ? calm + 1 : 0)
        {
            if (TimeProvider.System.GetElapsedTime(start) >= _options.DrainTime || cancellationToken.IsCancellationRequested) return;
            await Task.Delay(DrainCheck, TimeProvider.System, CancellationToken.None);
        }
    }

    public void Dispose()
    {
        foreach (var queue in _queues.Values) queue.Dispose();
    }
}
