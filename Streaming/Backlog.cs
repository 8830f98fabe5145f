using Orleans.Streams;

namespace OrleansChat.Streaming;

/// <summary>The recent batches of one stream, oldest first, and the cursors of those who take them. Used by one agent alone.</summary>
/// <remarks>
/// A batch stays until every cursor has passed it, and somewhat longer: a consumer that subscribes meanwhile may start at it (an agent
/// learns where to start a consumer before it opens the cursor). When the backlog is full the oldest batch goes, taken or not.
/// </remarks>
internal sealed class Backlog
{
    // In attempts of the agent to read its queue, 5 ms apart: 100 ms without a move, one second in all.
    private const int LongestStandstill = 20;
    private const int LongestSpell = 200;

    private readonly LocalQueue _queue;
    private readonly int _size;
    private readonly int _keptForLatecomers;
    private readonly List<Cursor> _cursors = [];
    private IBatchContainer?[] _ring = [];
    private long _first; // position of the oldest batch kept; positions count from the stream's first batch and never repeat
    private long _end; // position of the next batch to come
    private long _slowest;
    private int _standstill;
    private int _waits;
    private bool _loses;
    private bool _used = true;

    public Backlog(LocalQueue queue, int size, int keptForLatecomers) =>
        (_queue, _size, _keptForLatecomers) = (queue, size, keptForLatecomers);

    /// <summary>Batches the slowest cursor has still ahead; 0 without a cursor.</summary>
    public int Ahead => (int)(_end - Math.Max(Slowest, _first));

    // Before _first where the slowest cursor has lost something.
    private long Slowest
    {
        get
        {
            var slowest = _end;
            foreach (var cursor in _cursors) slowest = Math.Min(slowest, cursor.Next);
            return slowest;
        }
    }

    /// <summary>Appends a batch and wakes the cursors.</summary>
    /// <returns>False when a cursor begins to lose batches here; once per spell.</returns>
    public bool Add(IBatchContainer batch)
    {
        _used = true;
        if (_end - _first >= _keptForLatecomers) Drop(Math.Min(Slowest, _end - _keptForLatecomers + 1));
        var full = _end - _first == _size;
        if (full) Drop(_first + 1);
        else if (_end - _first == _ring.Length) Grow();
        _ring[_end++ % _ring.Length] = batch;
        foreach (var cursor in _cursors) cursor.IsBehind = true;
        var begins = full && !_loses;
        _loses = full;
        return !begins;
    }

    /// <summary>Opens a cursor at the first batch kept with that sequence or a later one; at the end when there is no sequence.</summary>
    public IQueueCacheCursor Open(long? sequence)
    {
        _used = true;
        var cursor = new Cursor(this, sequence is { } from ? Find(from) : _end);
        cursor.IsBehind = cursor.Next < _end;
        _cursors.Add(cursor);
        return cursor;
    }

    /// <summary>
    /// Whether the queue shall wait for the slowest cursor once more: it moved lately, and the queue has not waited too often in this spell.
    /// Each call counts as a wait.
    /// </summary>
    public bool IsWorthWaiting()
    {
        var slowest = Slowest;
        _standstill = slowest == _slowest ? _standstill + 1 : 0;
        _slowest = slowest;
        return _standstill < LongestStandstill && ++_waits <= LongestSpell;
    }

    /// <summary>The slowest cursor has caught up.</summary>
    public void EndSpell() => _waits = 0;

    /// <summary>Drops what every cursor has passed, if nothing was added and no cursor opened since the last sweep.</summary>
    /// <returns>True when nothing is left here, no batch and no cursor.</returns>
    public bool Sweep()
    {
        if (!_used)
        {
            Drop(Slowest);
            if (_first == _end) _ring = [];
        }
        _used = false;
        return _first == _end && _cursors.Count == 0;
    }

    private long Find(long sequence)
    {
        var (low, high) = (_first, _end);
        while (low < high)
        {
            var middle = low + ((high - low) / 2);
            if (_ring[middle % _ring.Length]!.SequenceToken.SequenceNumber < sequence) low = middle + 1;
            else high = middle;
        }
        return low;
    }

    private void Drop(long until)
    {
        for (; _first < until; _first++) _ring[_first % _ring.Length] = null;
    }

    private void Grow()
    {
        var larger = new IBatchContainer?[Math.Clamp(_ring.Length * 2, Math.Min(16, _size), _size)];
        for (var position = _first; position < _end; position++) larger[position % larger.Length] = _ring[position % _ring.Length];
        _ring = larger;
    }

    private sealed class Cursor(Backlog backlog, long next) : IQueueCacheCursor
    {
        private IBatchContainer? _current;
        private bool _isBehind;
        private bool _disposed;

        public long Next { get; private set; } = next;

        /// <summary>Whether there may be something to take, or what was taken last may still be on its way.</summary>
        public bool IsBehind
        {
            get => _isBehind;
            set
            {
                if (value == _isBehind) return;
                _isBehind = value;
                backlog._queue.CursorsBehind(value ? 1 : -1);
            }
        }

        public IBatchContainer? GetCurrent(out Exception? exception)
        {
            exception = null;
            return _current;
        }

        bool IQueueCacheCursor.MoveNext() => MoveNextWithResult() == QueueCacheCursorMoveResult.Success;

        /// <returns>Never a miss: who lags too far goes on with the oldest batch kept.</returns>
        public QueueCacheCursorMoveResult MoveNextWithResult()
        {
            Next = Math.Max(Next, backlog._first);
            if (_disposed || Next == backlog._end)
            {
                _current = null;
                IsBehind = false;
                return QueueCacheCursorMoveResult.NoData;
            }
            _current = backlog._ring[Next++ % backlog._ring.Length];
            return QueueCacheCursorMoveResult.Success;
        }

        public void Refresh(StreamSequenceToken token)
        {
            // A cursor sees what is added behind it by itself.
        }

        public void RecordDeliveryFailure()
        {
            // What could not be delivered is given up: its consumer finds the hole.
        }

        public void Dispose()
        {
            _disposed = true;
            _current = null;
            IsBehind = false;
            backlog._cursors.Remove(this);
        }
    }
}
