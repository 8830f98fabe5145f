using OrleansChat.Tests.Support;

namespace OrleansChat.Tests.Abuse;

/// <summary>HTTP beside the socket, in raw requests.</summary>
public sealed class HttpTests(HttpTests.DevelopmentRoom room) : IClassFixture<HttpTests.DevelopmentRoom>
{
    [Theory]
    [InlineData("/auth/guest")]
    [InlineData("/dev/token")]
    public async Task A_body_without_measure_is_refused(string path)
    {
        var body = $$"""{"username":"{{new string('x', 5_000)}}"}""";
        Assert.StartsWith("HTTP/1.1 413 ", await AnswerAsync("POST", path, body), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 413 ", await AnswerAsync("POST", path, "", "Content-Length: 99999999999\r\n"), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 413 ", await AnswerAsync("POST", path, $"1388\r\n{new string(' ', 5_000)}\r\n0\r\n\r\n", "Transfer-Encoding: chunked\r\n"), StringComparison.Ordinal);
        await room.IsUndisturbedAsync();
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("{")]
    [InlineData("""{"username":1}""")]
    [InlineData("""{"username":"\ud800"}""")]
    [InlineData("""{"username":""}""")]
    [InlineData("""{"username":"a\u0000b"}""")]
    [InlineData("""{"username":"a"} {}""")]
    public async Task A_body_that_does_not_fit_is_400_for_guests_and_developers(string body)
    {
        foreach (var path in (string[])["/auth/guest", "/dev/token"])
        {
            var head = await AnswerAsync("POST", path, body);
            Assert.StartsWith("HTTP/1.1 400 ", head, StringComparison.Ordinal);
            Assert.Contains("Content-Type: application/problem+json", head, StringComparison.Ordinal);
            Assert.Contains("Cache-Control: no-store", head, StringComparison.Ordinal);
        }

        await room.IsUndisturbedAsync();
    }

    [Theory]
    [InlineData("Content-Length: -1\r\n")]
    [InlineData("Content-Length: 2\r\nContent-Length: 3\r\n")]
    [InlineData("Transfer-Encoding: gzip\r\n")]
    [InlineData("Transfer-Encoding: chunked\r\nX: y\r\n Z: folded\r\n")]
    public async Task A_length_that_is_none_is_refused(string headers)
    {
        Assert.StartsWith("HTTP/1.1 4", await AnswerAsync("POST", "/auth/guest", "{}", headers), StringComparison.Ordinal);
        await room.IsUndisturbedAsync();
    }

    [Theory]
    [InlineData("/../appsettings.json")]
    [InlineData("/../../../../../../etc/passwd")]
    [InlineData("/%2e%2e/appsettings.json")]
    [InlineData("/..%2fappsettings.json")]
    [InlineData("/%2e%2e%2f%2e%2e%2fetc%2fpasswd")]
    [InlineData("/..%5cappsettings.json")]
    [InlineData("/%252e%252e/appsettings.json")]
    [InlineData("//etc/passwd")]
    [InlineData("/./../wwwroot/../appsettings.json")]
    [InlineData("/appsettings.json")]
    [InlineData("/index.html/..%00")]
    [InlineData("/index.html%00.json")]
    [InlineData("/%c0%ae%c0%ae/appsettings.json")]
    [InlineData("/\\..\\appsettings.json")]
    public async Task No_path_leads_out_of_the_pages_directory(string path)
    {
        Assert.Matches("^HTTP/1.1 40[04] ", await AnswerAsync("GET", path));
        await room.IsUndisturbedAsync();
    }

    [Theory]
    [InlineData("DELETE", "/", "40[45]")]
    [InlineData("PUT", "/index.html", "40[45]")]
    [InlineData("TRACE", "/", "40[45]")]
    [InlineData("POST", "/", "40[45]")]
    [InlineData("GET", "/auth/guest", "405")]
    [InlineData("PUT", "/dev/token", "405")]
    [InlineData("POST", "/healthz/live", "405")]
    [InlineData("DELETE", "/ws", "426")]
    [InlineData("OPTIONS", "/ws", "426")]
    [InlineData("CONNECT", "/ws", "4(00|05|26)")]
    [InlineData("PING", "/healthz/ready", "405")]
    [InlineData("G@T", "/", "40[045]")]
    [InlineData("G T", "/", "400")]
    public async Task A_method_that_does_not_fit_is_refused(string method, string path, string status)
    {
        Assert.Matches($"^HTTP/1.1 {status} ", await AnswerAsync(method, path));
        await room.IsUndisturbedAsync();
    }

    [Theory]
    [InlineData("GET", "/", 200)]
    [InlineData("HEAD", "/", 200)]
    [InlineData("GET", "/nothing", 404)]
    [InlineData("GET", "/ws", 426)]
    [InlineData("GET", "/healthz/live", 200)]
    public async Task Every_answer_forbids_what_a_page_does_not_need(string method, string path, int status)
    {
        var head = await AnswerAsync(method, path);
        Assert.StartsWith($"HTTP/1.1 {status} ", head, StringComparison.Ordinal);
        Assert.Contains("Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';", head, StringComparison.Ordinal);
        Assert.Contains("frame-ancestors 'none'", head, StringComparison.Ordinal);
        Assert.DoesNotContain("unsafe", head, StringComparison.Ordinal);
        Assert.Contains("X-Content-Type-Options: nosniff\r\n", head, StringComparison.Ordinal);
        Assert.Contains("Referrer-Policy: no-referrer\r\n", head, StringComparison.Ordinal);
        Assert.DoesNotContain("\r\nServer:", head, StringComparison.OrdinalIgnoreCase);
        await room.IsUndisturbedAsync();
    }

    [Fact]
    public async Task A_page_of_another_host_may_not_connect()
    {
        await using var socket = await RawSocket.ConnectAsync(room.App.Address);
        await socket.SendAsync(RawSocket.Handshake(room.App.Address, room.NewUser(), more: "Origin: https://evil.example\r\n"));
        Assert.StartsWith("HTTP/1.1 403 ", await socket.ReadHeadAsync(), StringComparison.Ordinal);
        await room.IsUndisturbedAsync();
    }

    private async Task<string> AnswerAsync(string method, string path, string? body = null, string? headers = null)
    {
        await using var socket = await RawSocket.ConnectAsync(room.App.Address);
        headers ??= body is null ? "" : $"Content-Length: {body.Length}\r\n";
        await socket.SendAsync($"{method} {path} HTTP/1.1\r\nHost: {room.App.Address.Authority}\r\nConnection: close\r\n{headers}\r\n{body}");
        return await socket.ReadHeadAsync();
    }

    public sealed class DevelopmentRoom : AbusedRoom
    {
        protected override (string Key, string Value)[] Settings => [("environment", "Development"), ("Auth:GuestsPerMinute", "0")];
    }
}
