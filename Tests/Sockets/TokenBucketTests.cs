using Microsoft.Extensions.Time.Testing;
using OrleansChat.WebFront.Sockets;

namespace OrleansChat.Tests.Sockets;

public sealed class TokenBucketTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void So_many_at_once_then_so_many_a_second()
    {
        var bucket = new TokenBucket(perSecond: 20, burst: 40, _time);
        Assert.Equal(40, Taken(ref bucket));
        Assert.False(bucket.TryTake(out var retryAfter));
        Assert.Equal(TimeSpan.FromMilliseconds(50), retryAfter);

        _time.Advance(TimeSpan.FromMilliseconds(49));
        Assert.False(bucket.TryTake(out retryAfter));
        Assert.InRange(retryAfter, TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(2));
        _time.Advance(retryAfter);
        Assert.True(bucket.TryTake(out _));

        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(20, Taken(ref bucket));
        _time.Advance(TimeSpan.FromHours(1));
        Assert.Equal(40, Taken(ref bucket));
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 0)]
    public void A_rate_or_burst_of_0_is_no_limit(int perSecond, int burst)
    {
        var bucket = new TokenBucket(perSecond, burst, _time);

        Assert.Equal(1_000, Taken(ref bucket));
    }

    [Fact]
    public void A_high_rate_says_to_wait_a_millisecond_at_least()
    {
        var bucket = new TokenBucket(perSecond: 1_000_000, burst: 1, _time);
        Assert.Equal(1, Taken(ref bucket));

        Assert.False(bucket.TryTake(out var retryAfter));

        Assert.Equal(TimeSpan.FromMilliseconds(1), retryAfter);
    }

    private static int Taken(ref TokenBucket bucket)
    {
        var count = 0;
        while (count < 1_000 && bucket.TryTake(out _))
            count++;
        return count;
    }
}
