using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;
using OrleansChat.WebFront;

namespace OrleansChat.Tests.Fronts;

public sealed class OriginCheckTests
{
    [Theory]
    [InlineData(null, "chat.example", true)]
    [InlineData("", "chat.example", true)]
    [InlineData("http://chat.example", "chat.example", true)]
    [InlineData("https://CHAT.example", "chat.example", true)]
    [InlineData("https://chat.example", "chat.example:443", true)]
    [InlineData("http://chat.example", "chat.example:80", true)]
    [InlineData("http://chat.example:8080", "chat.example:8080", true)]
    [InlineData("http://[::1]:8080", "[::1]:8080", true)]
    [InlineData("http://xn--mnchen-3ya.example:8080", "xn--mnchen-3ya.example:8080", true)]
    [InlineData("http://xn--mnchen-3ya.example", "xn--mnchen-3ya.example", true)]
    [InlineData("https://good.example", "chat.example", true)]
    [InlineData("https://GOOD.example", "chat.example", true)]
    [InlineData("https://slash.example", "chat.example", true)]
    [InlineData("http://good.example", "chat.example", false)]
    [InlineData("https://good.example:444", "chat.example", false)]
    [InlineData("https://good.example.evil.example", "chat.example", false)]
    [InlineData("http://chat.example:8081", "chat.example:8080", false)]
    [InlineData("http://chat.example:8080", "chat.example", false)]
    [InlineData("https://chat.example", "chat.example:80", false)]
    [InlineData("http://chat.example.evil.example", "chat.example", false)]
    [InlineData("http://evil.example", "chat.example", false)]
    [InlineData("null", "chat.example", false)]
    [InlineData("file://", "chat.example", false)]
    [InlineData("*", "chat.example", false)]
    [InlineData("chat.example", "chat.example", false)]
    public void A_page_may_connect_from_the_same_host_or_where_it_is_configured(string? origin, string host, bool isAllowed) =>
        Assert.Equal(isAllowed, IsAllowed(origin, host, "https://good.example", "https://slash.example/"));

    [Theory]
    [InlineData("http://evil.example")]
    [InlineData("null")]
    public void A_star_lets_every_page_connect(string origin) => Assert.True(IsAllowed(origin, "chat.example", "*"));

    private static bool IsAllowed(string? origin, string host, params string[] allowed)
    {
        var request = new DefaultHttpContext().Request;
        request.Headers.Host = host;
        if (origin is not null)
            request.Headers.Origin = origin;
        return new OriginCheck(Options.Create(new FrontOptions { AllowedOrigins = allowed })).IsAllowed(request);
    }
}
