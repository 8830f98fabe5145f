using System.Threading.Channels;
using Orleans.Streams;

namespace OrleansChat.Streaming;

/// <summary>One queue of one silo: grains write to it from any thread, its agent reads it, alone.</summary>
internal sealed class LocalQueue : IQueueAdapterReceiver, IDisposable
{
    // An agent clears out what nobody uses any more between two reads, so a read ends now and then even when nothing comes.
    // The next one follows within 5 ms; what comes in between waits that long.
    private static readonly TimeSpan LongestRead = TimeSpan.FromSeconds(30);

    private readonly Channel<LocalBatch> _channel;
    private CancellationTokenSource _readEnds = new();
    private long _lastSequence;
    private int _unread;
    private int _undelivered;

    public LocalQueue(int capacity) => _channel = Channel.CreateBounded<LocalBatch>(new BoundedChannelOptions(capacity)
    {
        SingleReader = true,
        FullMode = BoundedChannelFullMode.Wait, // for a write that never waits (TryWrite), this means: refuse
    });

    /// <summary>Whether everything that was written has been taken by every consumer there was. Any thread.</summary>
    public bool IsDelivered => Volatile.Read(ref _unread) == 0 && Volatile.Read(ref _undelivered) == 0;

    /// <summary>Writes without waiting. Any thread.</summary>
    /// <returns>False when the queue is full.</returns>
    public bool TryWrite(LocalBatch batch)
    {
        Interlocked.Increment(ref _unread);
        if (_channel.Writer.TryWrite(batch)) return true;
        Interlocked.Decrement(ref _unread);
        return false;
    }

    /// <summary>The agent put batches where its consumers find them; from now on the cursors that have to take them count.</summary>
    public void Cached(int batches) => Interlocked.Add(ref _unread, -batches);

    /// <summary>One more (1) or one less (-1) cursor has batches ahead of it. The agent only.</summary>
    public void CursorsBehind(int change) => Interlocked.Add(ref _undelivered, change);

    public Task Initialize(TimeSpan timeout) => Task.CompletedTask;

    Task<IList<IBatchContainer>> IQueueAdapterReceiver.GetQueueMessagesAsync(int maxCount) => GetQueueMessagesAsync(maxCount, default);

    /// <summary>Waits until there is something to read, then takes what is there.</summary>
    /// <returns>At most <paramref name="maxCount"/> batches, in order; none when the agent stops or nothing came for a long time.</returns>
    public async Task<IList<IBatchContainer>> GetQueueMessagesAsync(int maxCount, CancellationToken cancellationToken)
    {
        if (!_channel.Reader.TryPeek(out _) && !await WaitAsync(cancellationToken).ConfigureAwait(false)) return [];
        var batches = new List<IBatchContainer>(Math.Min(maxCount, _channel.Reader.Count));
        while (batches.Count < maxCount && _channel.Reader.TryRead(out var batch))
        {
            batch.Sequence = ++_lastSequence;
            batches.Add(batch);
        }
        return batches;
    }

    private async ValueTask<bool> WaitAsync(CancellationToken cancellationToken)
    {
        if (!_readEnds.TryReset())
        {
            _readEnds.Dispose();
            _readEnds = new CancellationTokenSource();
        }
        _readEnds.CancelAfter(LongestRead);
        using var stop = cancellationToken.UnsafeRegister(static source => ((CancellationTokenSource)source!).Cancel(), _readEnds);
        try
        {
            // In the agent's context it would go on as soon as the first has written. So it goes on behind all that is ready in the pool: grains whose
            // appends ended with the same transaction write first, and one read takes it all.
            return await _channel.Reader.WaitToReadAsync(_readEnds.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return false; // an agent logs an exception as an error, and stopping is none
        }
    }

    Task IQueueAdapterReceiver.MessagesDeliveredAsync(IList<IBatchContainer> messages) => Task.CompletedTask;

    Task IQueueAdapterReceiver.MessagesDeliveredAsync(IList<IBatchContainer> messages, CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Does nothing: the agent may be started again, and grains go on writing.</summary>
    public Task Shutdown(TimeSpan timeout) => Task.CompletedTask;

    public void Dispose() => _readEnds.Dispose();
}
