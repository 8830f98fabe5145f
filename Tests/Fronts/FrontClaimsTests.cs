using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using OrleansChat.WebFront;
using OrleansChat.WebFront.Rooms;

namespace OrleansChat.Tests.Fronts;

public sealed class FrontClaimsTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void The_first_renewals_come_after_a_second_and_later_ones_at_their_interval()
    {
        var claims = Claims(renewal: TimeSpan.FromSeconds(15));
        for (var i = 0; i < FrontClaims.EarlyRenewals; i++)
            Assert.Equal(TimeSpan.FromSeconds(1), Next(claims));
        Assert.InRange(Next(claims), TimeSpan.FromSeconds(13.5), TimeSpan.FromSeconds(15));
    }

    [Fact]
    public void None_comes_later_than_its_interval() =>
        Assert.InRange(Next(Claims(renewal: TimeSpan.FromMilliseconds(100))), TimeSpan.FromMilliseconds(90), TimeSpan.FromMilliseconds(100));

    private FrontClaims Claims(TimeSpan renewal) => new(Options.Create(new FrontOptions { LeaseRenewal = renewal }), _time);

    private TimeSpan Next(FrontClaims claims) => _time.GetElapsedTime(_time.GetTimestamp(), claims.NextRenewal());
}
