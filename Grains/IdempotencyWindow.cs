using OrleansChat.Grains.Logs;

namespace OrleansChat.Grains;

/// <summary>
/// The ids of a room's last messages: of at least the last 1,000 and the last 10 minutes, as far as the log reaches back. A repeat is answered with the
/// first one's place, and nothing is stored twice.
/// </summary>
internal sealed class IdempotencyWindow
{
    /// <summary>Messages.</summary>
    public const int MinCount = 1_000;

    /// <summary>Age of a message.</summary>
    public static readonly TimeSpan MinAge = TimeSpan.FromMinutes(10);

    private const int PageBits = 6;
    private const int PageLength = 1 << PageBits; // of 4 KiB

    private Message[]?[] _pages = []; // a ring, a power of two of them: memory comes and is used again by the page, whatever the log's length
    private long[] _newest = []; // by bucket: the place of the newest
    private long _first = PageLength; // places, from the second page on: there is none at 0
    private long _next = PageLength;

    /// <summary>Whether it knows all that the log holds. Until then a miss proves nothing.</summary>
    public bool IsLoaded { get; set; }

    /// <summary>What became of this id.</summary>
    public bool TryGet(UInt128 idHash, out Known known)
    {
        // From the newest to older ones, until one that is forgotten: all behind it are.
        for (var place = _first == _next ? 0 : _newest[BucketOf(idHash)]; place >= _first; place = At(place).Previous)
        {
            ref readonly var message = ref At(place);
            if (message.IdHash != idHash)
                continue;
            known = message.Known;
            return true;
        }

        known = default;
        return false;
    }

    /// <summary>Adds a stored message, the newest so far, and forgets what is far back and either old or no longer in the log.</summary>
    /// <param name="stored">The message.</param>
    /// <param name="first">The log's first seq.</param>
    public void Add(LogEntry stored, long first)
    {
        var (entry, idHash, textHash) = stored;
        if (idHash != 0 && !TryGet(idHash, out _))
            Append(idHash, new Known(entry.Seq, entry.Timestamp, textHash));
        for (; _first < _next; _first++)
        {
            var oldest = At(_first).Known;
            if (oldest.Seq > entry.Seq - MinCount || (oldest.Seq >= first && oldest.Timestamp >= entry.Timestamp - (long)MinAge.TotalMilliseconds))
                return;
        }
    }

    /// <summary>A new epoch knows nothing.</summary>
    public void Clear()
    {
        _first = _next;
        IsLoaded = false;
    }

    private int BucketOf(UInt128 idHash) => idHash.GetHashCode() & (_newest.Length - 1);

    private ref Message At(long place) => ref _pages[(place >> PageBits) & (_pages.Length - 1)]![place & (PageLength - 1)];

    private void Append(UInt128 idHash, Known known)
    {
        if (_pages.Length == 0 || (_next >> PageBits) - (_first >> PageBits) == _pages.Length)
            Grow();
        _pages[(_next >> PageBits) & (_pages.Length - 1)] ??= new Message[PageLength];
        At(_next) = new Message(idHash, known, default);
        Link(_next++);
    }

    private void Grow()
    {
        var pages = new Message[]?[Math.Max(1, 2 * _pages.Length)];
        for (var page = _first >> PageBits; page << PageBits < _next; page++)
            pages[page & (pages.Length - 1)] = _pages[page & (_pages.Length - 1)];
        (_pages, _newest) = (pages, new long[pages.Length * PageLength]);
        for (var place = _first; place < _next; place++)
            Link(place);
    }

    private void Link(long place)
    {
        ref var message = ref At(place);
        ref var newest = ref _newest[BucketOf(message.IdHash)];
        (message.Previous, newest) = (newest, place);
    }

    /// <param name="IdHash">Of its id.</param>
    /// <param name="Known">What is told of it.</param>
    /// <param name="Previous">The place of the next older one in its bucket, or of one that is forgotten.</param>
    private record struct Message(UInt128 IdHash, Known Known, long Previous);

    /// <summary>A stored message.</summary>
    /// <param name="Seq">Its place.</param>
    /// <param name="Timestamp">Unix milliseconds.</param>
    /// <param name="TextHash">Of its text.</param>
    public readonly record struct Known(long Seq, long Timestamp, UInt128 TextHash);
}
