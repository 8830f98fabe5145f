using System.Net;
using Microsoft.Net.Http.Headers;

namespace OrleansChat.WebFront.Auth;

/// <summary>
/// Whether a request was made at this machine. The peer's address alone does not say so: a web page open here (<c>Origin</c>), a name that an attacker's DNS
/// points here (<c>Host</c>) and a proxy that runs here all come from a loopback address.
/// </summary>
internal static class ThisMachine
{
    private static readonly string[] ProxyHeaders =
        ["Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Original-For", "X-Original-Host", "X-Real-IP"];

    public static bool Sent(HttpContext context) =>
        IsLoopback(context.Connection.RemoteIpAddress)
        && IsThisHost(context.Request.Host.Host)
        && IsThisOrigin(context.Request.Headers[HeaderNames.Origin])
        && !ProxyHeaders.Any(context.Request.Headers.ContainsKey);

    private static bool IsLoopback(IPAddress? peer) =>
        peer is not null && IPAddress.IsLoopback(peer.IsIPv4MappedToIPv6 ? peer.MapToIPv4() : peer);

    private static bool IsThisHost(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || host is "127.0.0.1" or "[::1]";

    // "null" (a sandboxed page, a file) is some other place.
    private static bool IsThisOrigin(Microsoft.Extensions.Primitives.StringValues origin) =>
        origin.Count == 0
        || (origin.Count == 1 && Uri.TryCreate(origin[0], UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" && IsThisHost(uri.Host));
}
