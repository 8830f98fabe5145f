using Microsoft.Extensions.Options;

namespace OrleansChat.WebFront;

/// <summary>Which pages may connect. A browser lets any page open a WebSocket to any host and says only where the page came from: RFC 6455 §10.2.</summary>
internal sealed class OriginCheck(IOptions<FrontOptions> options)
{
    private readonly HashSet<string> _allowed = options.Value.AllowedOrigins.Select(origin => origin.TrimEnd('/')).ToHashSet(StringComparer.OrdinalIgnoreCase);

    /// <summary>No <c>Origin</c> (no browser), the same host, or one that is configured.</summary>
    public bool IsAllowed(HttpRequest request)
    {
        if (request.Headers.Origin is not [var origin, ..] || string.IsNullOrEmpty(origin))
            return true;
        if (_allowed.Contains("*") || _allowed.Contains(origin))
            return true;
        return Uri.TryCreate(origin, UriKind.Absolute, out var uri)
            && (string.Equals(uri.Authority, request.Host.Value, StringComparison.OrdinalIgnoreCase) || IsDefaultPort(uri, request.Host));
    }

    /// <summary>A browser leaves a scheme's default port out of Origin; a client may name it in Host.</summary>
    private static bool IsDefaultPort(Uri origin, HostString host) =>
        origin.IsDefaultPort && origin.Host.Equals(host.Host, StringComparison.OrdinalIgnoreCase) && (host.Port is null || host.Port == origin.Port);
}
