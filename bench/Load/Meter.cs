namespace OrleansChat.Bench.Load;

/// <summary>Counts what the loop sees: rates and times from <see cref="Restart"/> to <see cref="Stop"/>, totals from the beginning.</summary>
internal sealed class Meter
{
    private bool _isStopped;

    /// <summary>Messages that came to clients meanwhile.</summary>
    public long Delivered { get; private set; }

    /// <summary>Messages that were sent meanwhile.</summary>
    public long Published { get; private set; }

    public long TotalDelivered { get; private set; }

    public long TotalAcks { get; private set; }

    /// <summary>Frames that are neither messages nor acks: presence, mostly.</summary>
    public long Others { get; set; }

    public Latencies Deliveries { get; private set; } = new();

    public Latencies Acks { get; private set; } = new();

    /// <summary>Begins anew. What came before was counted too, so that nothing is done for the first time now: compiling takes milliseconds, and nothing is sent meanwhile.</summary>
    public void Restart() => (Delivered, Published, Deliveries, Acks) = (0, 0, new(), new());

    public void Stop() => _isStopped = true;

    public void OnPublished()
    {
        if (!_isStopped)
            Published++;
    }

    public void OnDelivered(uint micros)
    {
        TotalDelivered++;
        if (_isStopped)
            return;
        Delivered++;
        Deliveries.Add(micros);
    }

    public void OnAck(uint micros)
    {
        TotalAcks++;
        if (!_isStopped)
            Acks.Add(micros);
    }
}
