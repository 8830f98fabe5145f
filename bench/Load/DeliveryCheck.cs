namespace OrleansChat.Bench.Load;

/// <summary>
/// What one client must see: each publisher's messages one by one, and, where the server numbers them, the room's seqs one by one. It is told every
/// message, and says what does not fit.
/// </summary>
/// <param name="firstSender">The first publisher of the client's room.</param>
/// <param name="senders">Publishers of the room.</param>
/// <param name="faults">Where what does not fit is counted.</param>
internal sealed class DeliveryCheck(uint firstSender, int senders, Faults faults)
{
    private readonly uint[] _next = new uint[senders];

    /// <summary>The last seq seen; at first the head that the join told.</summary>
    public long Seq { get; set; }

    /// <summary>How many of a publisher's messages came: the number of the next.</summary>
    public uint Next(int sender) => _next[sender];

    /// <summary>Takes a message.</summary>
    /// <param name="marker">What its text says of itself.</param>
    /// <param name="seq">-1 where the dialect has none.</param>
    /// <returns>False when it must not be counted: a repeat, or a message of another room.</returns>
    public bool Take(in Marker marker, long seq)
    {
        var sender = marker.Sender - firstSender;
        if (sender >= _next.Length)
        {
            faults.Foreign++;
            return false;
        }

        if (seq >= 0 && seq != Seq + 1)
        {
            faults.SeqBreaks++;
            faults.Note($"seq {seq} after {Seq}");
        }

        Seq = Math.Max(seq, Seq);
        ref var next = ref _next[sender];
        if (marker.Count < next)
        {
            faults.Repeated++;
            faults.Note($"message {marker.Count} of publisher {marker.Sender} came again, or late, after {next - 1}");
            return false;
        }

        if (marker.Count > next)
        {
            faults.Skipped += marker.Count - next;
            faults.Note($"message {marker.Count} of publisher {marker.Sender} came after {(long)next - 1}");
        }

        next = marker.Count + 1;
        return true;
    }
}
