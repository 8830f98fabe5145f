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

    private readonly Dictionary<UInt128, Known> _known = [];
    private readonly Queue<(long Seq, long Timestamp, UInt128 IdHash)> _order = [];

    /// <summary>Whether it knows all that the log holds. Until then a miss proves nothing.</summary>
    public bool IsLoaded { get; set; }

    /// <summary>What became of this id.</summary>
    public bool TryGet(UInt128 idHash, out Known known) => _known.TryGetValue(idHash, out known);

    /// <summary>Adds a stored message, the newest so far, and forgets what is far back and either old or no longer in the log.</summary>
    /// <param name="stored">The message.</param>
    /// <param name="first">The log's first seq.</param>
    public void Add(LogEntry stored, long first)
    {
        var (entry, idHash, textHash) = stored;
        if (idHash != 0 && _known.TryAdd(idHash, new Known(entry.Seq, entry.Timestamp, textHash)))
            _order.Enqueue((entry.Seq, entry.Timestamp, idHash));
        while (_order.TryPeek(out var oldest) && oldest.Seq <= entry.Seq - MinCount
            && (oldest.Seq < first || oldest.Timestamp < entry.Timestamp - (long)MinAge.TotalMilliseconds))
        {
            _order.Dequeue();
            _known.Remove(oldest.IdHash);
        }
    }

    /// <summary>A new epoch knows nothing.</summary>
    public void Clear()
    {
        _known.Clear();
        _order.Clear();
        IsLoaded = false;
    }

    /// <summary>A stored message.</summary>
    /// <param name="Seq">Its place.</param>
    /// <param name="Timestamp">Unix milliseconds.</param>
    /// <param name="TextHash">Of its text.</param>
    public readonly record struct Known(long Seq, long Timestamp, UInt128 TextHash);
}
