namespace OrleansChat.WebFront.Sockets;

/// <summary>
/// The bytes that wait for one socket, bounded: they count until they are written. Whoever posts does not wait: the <see cref="Flusher"/> writes all that gathered in one go. Pieces are
/// shared between outboxes and never changed.
/// </summary>
/// <param name="capacity">
/// Bytes. It is full when a piece does not fit and more than half is used: a client that keeps up gets even a piece that is larger than the rest.
/// </param>
/// <param name="flusher">Writes what is posted.</param>
internal sealed class Outbox(int capacity, Flusher flusher)
{
    private const int PlacesKept = 4;

    private readonly Lock _gate = new();

    // Most wait alone: a list would be two more places in memory to go to for each of a thousand sockets.
    private ReadOnlyMemory<byte> _first;
    private List<ReadOnlyMemory<byte>>? _more;
    private int _pieces;
    private int _bytes;
    private int _underWay;
    private Turn _turn;
    private State _state;
    private TaskCompletionSource? _belowHalf;
    private TaskCompletionSource? _empty;

    private enum State
    {
        Open,

        /// <summary>The last piece is in; nothing more is taken.</summary>
        Completed,

        /// <summary>The socket is gone; what waits is dropped.</summary>
        Gone,
    }

    /// <summary>How the flusher gets to what waits.</summary>
    private enum Turn
    {
        /// <summary>Nothing waits, or nobody writes yet.</summary>
        None,

        /// <summary>After others.</summary>
        Later,

        /// <summary>Before those.</summary>
        First,

        /// <summary>It is written slowly, and all that comes with it.</summary>
        Slow,
    }

    /// <summary>What writes these bytes; set once, before the first flush.</summary>
    public SocketWriter? Writer { get; private set; }

    /// <summary>Whether it is written slowly, until it is clean: nobody else may take from it.</summary>
    public bool IsSlow => _turn == Turn.Slow;

    /// <summary>Called once, outside of any lock, when the outbox is full: a slow consumer.</summary>
    public Action? Overflowed { get; set; }

    /// <summary>Half of the room is used: who reads from the log waits, what may be lost is not posted.</summary>
    public bool IsHalfFull => Volatile.Read(ref _bytes) > Half;

    /// <summary>Half of the room, in bytes.</summary>
    public int Half => capacity / 2;

    /// <summary>Pieces that wait: each costs some memory beside its bytes.</summary>
    public int WaitingPieces
    {
        get
        {
            lock (_gate)
                return _pieces;
        }
    }

    /// <summary>Lets the flusher write. What was posted before goes first.</summary>
    public void Start(SocketWriter writer)
    {
        lock (_gate)
        {
            Writer = writer;
            if (_pieces == 0)
                return;
            _turn = Turn.First;
        }

        flusher.Post(this, mayWait: false);
    }

    /// <summary>Posts a piece: whole frames.</summary>
    /// <param name="piece">Shared, never changed.</param>
    /// <param name="mayBeLost">Presence and typing: dropped when the outbox is half full.</param>
    /// <param name="mayWait">Until those that are likely to be answered are written: <see cref="Flusher.LongestWait"/> at the most.</param>
    /// <returns>False when it was not taken.</returns>
    public bool TryPost(ReadOnlyMemory<byte> piece, bool mayBeLost = false, bool mayWait = false)
    {
        var overflow = false;
        lock (_gate)
        {
            if (_state != State.Open || (mayBeLost && _bytes > Half))
                return false;
            // What fills a write gains nothing by waiting, and waiting must not make a slow consumer of a client that keeps up.
            mayWait &= _bytes + piece.Length < Math.Min(Half, SocketWriter.MaxWrite);
            if (_bytes + piece.Length > capacity && _bytes > Half)
                overflow = true;
            else if (!Add(piece, mayWait ? Turn.Later : Turn.First))
                return true;
        }

        if (overflow)
        {
            Overflowed?.Invoke();
            return false;
        }

        flusher.Post(this, mayWait);
        return true;
    }

    /// <summary>Posts the last piece, a close frame, whatever else waits.</summary>
    /// <param name="piece">The close frame; empty: nothing more.</param>
    /// <param name="dropWaiting">A slow consumer's frames are dropped: it finds them in the log.</param>
    public void Complete(ReadOnlyMemory<byte> piece, bool dropWaiting = false)
    {
        lock (_gate)
        {
            if (_state != State.Open)
                return;
            _state = State.Completed;
            if (dropWaiting)
            {
                Clear();
                GiveBack(_bytes - _underWay);
            }

            if (piece.IsEmpty || !Add(piece, Turn.First))
                return;
        }

        flusher.Post(this, mayWait: false);
    }

    /// <summary>The socket is gone.</summary>
    public void Abandon()
    {
        lock (_gate)
        {
            _state = State.Gone;
            Clear();
            _more = null;
            _underWay = 0;
            GiveBack(_bytes);
            _empty?.TrySetResult();
        }
    }

    /// <summary>Ends when the outbox is at most half full, or its socket is gone.</summary>
    public Task WaitBelowHalfAsync()
    {
        lock (_gate)
        {
            if (_state == State.Gone || _bytes <= Half)
                return Task.CompletedTask;
            return (_belowHalf ??= new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }
    }

    /// <summary>Ends when all is written, or the socket is gone.</summary>
    public Task WaitEmptyAsync()
    {
        lock (_gate)
        {
            if (_state == State.Gone || _turn == Turn.None)
                return Task.CompletedTask;
            return (_empty ??= new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }
    }

    /// <summary>Takes all that waits; what was taken before is written. The flusher alone calls it, and again until there is nothing: then the outbox is clean.</summary>
    /// <param name="pieces">Gets what waits.</param>
    /// <returns>False when nothing waits.</returns>
    public bool TryTake(List<ReadOnlyMemory<byte>> pieces)
    {
        lock (_gate)
        {
            GiveBack(_underWay);
            _underWay = _bytes;
            if (_pieces > 0)
            {
                pieces.Add(_first);
                if (_more is not null)
                    pieces.AddRange(_more);
                Clear();
                return true;
            }

            // The list stays for what comes next; what a burst made it grow to does not.
            if (_more?.Capacity > PlacesKept)
                _more = null;
            _turn = Turn.None;
            _empty?.TrySetResult();
            _empty = null;
            return false;
        }
    }

    /// <summary>A slow write goes on: of what was taken, so many bytes are out.</summary>
    public void OnWritten(int count)
    {
        lock (_gate)
        {
            if (_state == State.Gone)
                return;
            _underWay -= count;
            GiveBack(count);
        }
    }

    /// <summary>A slow write begins: of what was taken, so many bytes are still to be written.</summary>
    public void OnLeft(int count)
    {
        lock (_gate)
            _turn = Turn.Slow;
        OnWritten(_underWay - count);
    }

    private void Clear()
    {
        _first = default;
        _more?.Clear();
        _pieces = 0;
    }

    private void GiveBack(int count)
    {
        _bytes -= count;
        if (_belowHalf is null || (_state != State.Gone && _bytes > Half))
            return;
        _belowHalf.TrySetResult();
        _belowHalf = null;
    }

    /// <returns>Whether the flusher has to be told.</returns>
    private bool Add(ReadOnlyMemory<byte> piece, Turn turn)
    {
        if (_pieces++ == 0)
            _first = piece;
        else
            (_more ??= []).Add(piece);
        _bytes += piece.Length;
        if (Writer is null || turn <= _turn)
            return false;
        _turn = turn;
        return true;
    }
}
