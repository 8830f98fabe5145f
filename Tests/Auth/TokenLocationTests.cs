using Microsoft.AspNetCore.Http;
using OrleansChat.WebFront.Auth;

namespace OrleansChat.Tests.Auth;

public sealed class TokenLocationTests
{
    [Theory]
    [InlineData("?token=q", "Bearer a", "orleanschat.v1, bearer.p", "q")]
    [InlineData("", "Bearer a", "orleanschat.v1, bearer.p", "a")]
    [InlineData("", null, "orleanschat.v1, bearer.p", "p")]
    [InlineData("?token=q", null, null, "q")]
    [InlineData("", null, null, null)]
    public void The_query_comes_first_then_the_header_then_the_subprotocol(string query, string? authorization, string? protocols, string? expected) =>
        Assert.Equal(expected, Find(query, authorization, protocols));

    [Theory]
    [InlineData("?token=", "Bearer a", "a")]
    [InlineData("?token", "Bearer a", "a")]
    [InlineData("?token=&token=q", "Bearer a", "q")]
    [InlineData("?TOKEN=q", null, "q")]
    [InlineData("?x=1&token=q&token=r", null, "q")]
    [InlineData("?token=", "Bearer ", null)]
    [InlineData("", "Bearer", null)]
    [InlineData("", "bearer   a ", "a")]
    [InlineData("", "BEARER a", "a")]
    [InlineData("", "Basic YTpi", null)]
    [InlineData("", "Bearera", null)]
    public void A_place_that_is_empty_holds_no_token(string query, string? authorization, string? expected) =>
        Assert.Equal(expected, Find(query, authorization));

    [Theory]
    [InlineData("orleanschat.v1, bearer.p", null, "p")]
    [InlineData("bearer.p,orleanschat.v1", null, "p")]
    [InlineData("orleanschat.v1", "bearer.p", "p")]
    [InlineData("orleanschat.v1, bearer., bearer.p", null, "p")]
    [InlineData("  bearer.p\t", null, "p")]
    [InlineData("orleanschat.v1, Bearer.p", null, null)]
    [InlineData("orleanschat.v1", null, null)]
    [InlineData(",,", null, null)]
    public void The_subprotocol_may_stand_anywhere_on_any_line(string first, string? second, string? expected) =>
        Assert.Equal(expected, Find("", null, second is null ? [first] : [first, second]));

    [Fact]
    public void With_tokens_in_urls_turned_off_the_query_is_not_looked_at()
    {
        var request = Request("?token=q", "Bearer a");
        Assert.Equal("a", TokenLocation.Find(request, queryToken: false));
        Assert.Null(TokenLocation.Find(Request("?token=q", null), queryToken: false));
    }

    private static string? Find(string query, string? authorization, params string?[] protocols) =>
        TokenLocation.Find(Request(query, authorization, protocols), queryToken: true);

    private static HttpRequest Request(string query, string? authorization, params string?[] protocols)
    {
        var request = new DefaultHttpContext().Request;
        request.QueryString = new QueryString(query);
        if (authorization is not null)
            request.Headers.Authorization = authorization;
        if (protocols is [not null, ..])
            request.Headers.SecWebSocketProtocol = protocols;
        return request;
    }
}
