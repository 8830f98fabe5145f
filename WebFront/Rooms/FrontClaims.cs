using Microsoft.Extensions.Options;

namespace OrleansChat.WebFront.Rooms;

/// <summary>What all claims of this front share: its id, versions that rise, the lease's length, and when the cluster last confirmed anything.</summary>
internal sealed class FrontClaims(IOptions<FrontOptions> options, TimeProvider time)
{
    /// <summary>Renewals that come early: the front's own, and those of its first rooms and users.</summary>
    internal const int EarlyRenewals = 256;

    private static readonly TimeSpan Early = TimeSpan.FromSeconds(1);

    private long _version;
    private int _early;
    private long _confirmedAt = time.GetTimestamp();

    /// <summary>New for each process, so that nothing of an earlier one is taken for this one's.</summary>
    public string FrontId { get; } = Guid.CreateVersion7(time.GetUtcNow()).ToString("N");

    public TimeSpan Lease { get; } = options.Value.Lease;

    /// <summary>No grain call succeeded for a whole lease: what others know of this front has run out.</summary>
    public bool HasRunOut => time.GetElapsedTime(Volatile.Read(ref _confirmedAt)) > Lease;

    public long NextVersion() => Interlocked.Increment(ref _version);

    public void OnConfirmed() => Volatile.Write(ref _confirmedAt, time.GetTimestamp());

    /// <summary>
    /// A renewal interval from now, up to a tenth earlier, so that claims made together do not stay together. The first of all come after a second: what runs with them is compiled then, some 80
    /// methods in one go, and not when there is more to hold up.
    /// </summary>
    public long NextRenewal()
    {
        var interval = options.Value.LeaseRenewal * (1 - (Random.Shared.NextDouble() / 10));
        if (interval > Early && Volatile.Read(ref _early) < EarlyRenewals && Interlocked.Increment(ref _early) <= EarlyRenewals)
            interval = Early;
        return time.GetTimestamp() + (long)(interval.TotalSeconds * time.TimestampFrequency);
    }
}
