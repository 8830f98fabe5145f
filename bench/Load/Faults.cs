namespace OrleansChat.Bench.Load;

/// <summary>Everything that went wrong in a run, counted; the first few in words.</summary>
internal sealed class Faults
{
    private const int MaxNotes = 10;
    private readonly List<string> _notes = [];

    /// <summary>Messages of a publisher that a later one of the same publisher overtook.</summary>
    public long Skipped { get; set; }

    /// <summary>Messages that came a second time, or after a later one.</summary>
    public long Repeated { get; set; }

    /// <summary>Messages of another room.</summary>
    public long Foreign { get; set; }

    /// <summary>Seqs that did not follow the one before.</summary>
    public long SeqBreaks { get; set; }

    /// <summary>Messages that had not come when the run ended.</summary>
    public long Missing { get; set; }

    /// <summary>Acks that had not come when the run ended.</summary>
    public long MissingAcks { get; set; }

    /// <summary>Error frames.</summary>
    public long Errors { get; set; }

    /// <summary>Connections that ended before the run did.</summary>
    public long Closed { get; set; }

    public IReadOnlyList<string> Notes => _notes;

    public long Total => Skipped + Repeated + Foreign + SeqBreaks + Missing + MissingAcks + Errors + Closed;

    public void Note(string what)
    {
        if (_notes.Count < MaxNotes)
            _notes.Add(what);
    }
}
