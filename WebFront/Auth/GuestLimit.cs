using System.Net;
using System.Net.Sockets;
using System.Threading.RateLimiting;

namespace OrleansChat.WebFront.Auth;

/// <summary>
/// A token bucket per remote address, in a set number of slots: an address hashes (with a seed of this process) to one of them, so that memory is
/// bounded whoever asks, and no timer runs. Two addresses in one slot share it, which with 4,096 of them hurts only under attack.
/// </summary>
internal sealed class GuestLimit(int perMinute) : IDisposable
{
    private const int SlotCount = 4096;
    private const int Ipv6NetworkBytes = 8;

    private readonly TokenBucketRateLimiter?[] _slots = new TokenBucketRateLimiter?[SlotCount];

    /// <summary>Whether this address may ask now; if not, in how many seconds (1 or more).</summary>
    public bool TryTake(IPAddress? address, out int retryAfter)
    {
        retryAfter = 0;
        if (perMinute == 0)
            return true;
        var bucket = Bucket(address);
        bucket.TryReplenish();
        using var lease = bucket.AttemptAcquire();
        if (lease.IsAcquired)
            return true;
        retryAfter = lease.TryGetMetadata(MetadataName.RetryAfter, out var wait) ? Math.Max(1, (int)Math.Ceiling(wait.TotalSeconds)) : 60;
        return false;
    }

    public void Dispose()
    {
        foreach (var bucket in _slots)
            bucket?.Dispose();
    }

    private TokenBucketRateLimiter Bucket(IPAddress? address)
    {
        ref var slot = ref _slots[Slot(address)];
        if (Volatile.Read(ref slot) is { } bucket)
            return bucket;
        var made = new TokenBucketRateLimiter(new TokenBucketRateLimiterOptions
        {
            TokenLimit = perMinute,
            TokensPerPeriod = perMinute,
            ReplenishmentPeriod = TimeSpan.FromMinutes(1),
            AutoReplenishment = false, // TryReplenish adds what the time since the last one is worth.
            QueueLimit = 0,
        });
        if (Interlocked.CompareExchange(ref slot, made, null) is not { } first)
            return made;
        made.Dispose();
        return first;
    }

    private static uint Slot(IPAddress? address)
    {
        if (address is null)
            return 0;
        if (address.IsIPv4MappedToIPv6)
            address = address.MapToIPv4();
        var hash = new HashCode();
        hash.AddBytes(address.AddressFamily is AddressFamily.InterNetworkV6 ? address.GetAddressBytes().AsSpan(0, Ipv6NetworkBytes) : address.GetAddressBytes());
        return (uint)hash.ToHashCode() % SlotCount;
    }
}
