namespace OrleansChat.Bench.Load;

/// <summary>Counts what the loop sees. Rates and times are taken while it is on; totals from the beginning.</summary>
internal sealed class Meter
{
    public bool IsOn { get; set; }

    /// <summary>Messages that came to clients while it was on.</summary>
    public long Delivered { get; private set; }

    /// <summary>Messages that were sent while it was on.</summary>
    public long Published { get; private set; }

    public long TotalDelivered { get; private set; }

    public long TotalAcks { get; private set; }

    /// <summary>Frames that are neither messages nor acks: presence, mostly.</summary>
    public long Others { get; set; }

    public Latencies Deliveries { get; } = new();

    public Latencies Acks { get; } = new();

    public void OnPublished()
    {
        if (IsOn)
            Published++;
    }

    public void OnDelivered(uint micros)
    {
        TotalDelivered++;
        if (!IsOn)
            return;
        Delivered++;
        Deliveries.Add(micros);
    }

    public void OnAck(uint micros)
    {
        TotalAcks++;
        if (IsOn)
            Acks.Add(micros);
    }
}
