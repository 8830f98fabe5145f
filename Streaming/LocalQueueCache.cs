using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;
using Orleans.Streams;

namespace OrleansChat.Streaming;

/// <summary>
/// What one agent has read and its consumers may still have to take: one bounded <see cref="Backlog"/> per stream. Used by the agent alone.
/// </summary>
/// <remarks>
/// It is never under pressure, for that would stop the whole queue for one consumer that lags. But where a consumer is about to lose something
/// the queue is not read for a moment, so that a burst larger than the cache reaches a consumer that works: until there is room again, or the
/// consumer has not moved for 100 ms, or has not caught up after a second of waits. From then on that consumer loses its oldest batches, and
/// nobody waits for it before it has caught up.
/// </remarks>
internal sealed partial class LocalQueueCache : IQueueCache
{
    // Between two times of clearing out what nobody has used since the time before.
    private static readonly TimeSpan SweepPeriod = TimeSpan.FromSeconds(5);

    private readonly Dictionary<StreamId, Backlog> _backlogs = [];
    private readonly HashSet<Backlog> _crowded = [];
    private readonly LocalQueue _queue;
    private readonly int _size;
    private readonly int _maxAdd;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private long _sweptAt;

    public LocalQueueCache(LocalQueue queue, int size, TimeProvider time, ILogger log)
    {
        (_queue, _size, _time, _log) = (queue, size, time, log);
        _maxAdd = Math.Clamp(size / 4, 1, 256);
        _sweptAt = time.GetTimestamp();
    }

    /// <summary>Streams that hold batches or cursors.</summary>
    public int Streams => _backlogs.Count;

    /// <returns>
    /// How many batches the agent may read next, always fewer than a stream keeps; 0 to wait for a consumer: the agent asks again 5 ms later.
    /// </returns>
    public int GetMaxAddCount()
    {
        if (_crowded.Count == 0) return _maxAdd;
        var wait = false;
        foreach (var backlog in _crowded)
        {
            if (backlog.Ahead <= _size / 2)
            {
                backlog.EndSpell();
                _crowded.Remove(backlog);
            }
            else if (backlog.Ahead > _size - _maxAdd)
            {
                wait |= backlog.IsWorthWaiting();
            }
        }
        return wait ? 0 : _maxAdd;
    }

    public bool IsUnderPressure() => false;

    public void AddToCache(IList<IBatchContainer> messages)
    {
        foreach (var batch in messages)
        {
            if (!_backlogs.TryGetValue(batch.StreamId, out var backlog)) _backlogs.Add(batch.StreamId, backlog = new Backlog(_queue, _size, _maxAdd));
            if (!backlog.Add(batch)) LogLagging(batch.StreamId, _size);
            if (backlog.Ahead > _size - _maxAdd) _crowded.Add(backlog);
        }
        _queue.Cached(messages.Count);
    }

    public IQueueCacheCursor GetCacheCursor(StreamId streamId, StreamSequenceToken? token)
    {
        if (!_backlogs.TryGetValue(streamId, out var backlog)) _backlogs.Add(streamId, backlog = new Backlog(_queue, _size, _maxAdd));
        return backlog.Open(token?.SequenceNumber);
    }

    /// <summary>Lets go what nobody waits for any more. Nothing is handed back: the queue itself keeps nothing that could be deleted.</summary>
    public bool TryPurgeFromCache([MaybeNullWhen(false)] out IList<IBatchContainer> purgedItems)
    {
        purgedItems = null;
        if (_time.GetElapsedTime(_sweptAt) < SweepPeriod) return false;
        _sweptAt = _time.GetTimestamp();
        foreach (var (stream, backlog) in _backlogs)
            if (backlog.Sweep()) _backlogs.Remove(stream);
        return false;
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "A consumer of stream {Stream} is more than {Size} publishes behind and loses the oldest.")]
    private partial void LogLagging(StreamId stream, int size);
}
