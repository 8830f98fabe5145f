using Microsoft.Net.Http.Headers;

namespace OrleansChat.WebFront.Auth;

/// <summary>Where a request carries its token.</summary>
internal static class TokenLocation
{
    /// <summary>The subprotocol the server answers with, and the only one it speaks.</summary>
    public const string Subprotocol = "orleanschat.v1";

    private const string QueryKey = "token";
    private const string BearerScheme = "Bearer ";
    private const string BearerProtocol = "bearer.";

    /// <summary>
    /// The first token found, in this order: <c>?token=</c> (where <see cref="AuthOptions.QueryToken"/> is on), <c>Authorization: Bearer</c>,
    /// <c>Sec-WebSocket-Protocol: bearer.…</c> on any of its lines; null where there is none. A place that is there but empty holds none, and the next is looked at;
    /// one that holds a bad token decides: a request does not get a second try.
    /// </summary>
    public static string? Find(HttpRequest request, bool queryToken) =>
        (queryToken ? FromQuery(request) : null) ?? FromAuthorization(request) ?? FromSubprotocol(request);

    /// <summary>The bearer token in <c>Authorization</c>, or null. The scheme's case does not matter.</summary>
    public static string? FromAuthorization(HttpRequest request)
    {
        foreach (var line in request.Headers[HeaderNames.Authorization])
        {
            if (line is not null && line.StartsWith(BearerScheme, StringComparison.OrdinalIgnoreCase) && line.AsSpan(BearerScheme.Length).Trim() is { IsEmpty: false } token)
                return token.ToString();
        }
        return null;
    }

    private static string? FromQuery(HttpRequest request)
    {
        foreach (var value in request.Query[QueryKey])
        {
            if (!string.IsNullOrEmpty(value))
                return value;
        }
        return null;
    }

    private static string? FromSubprotocol(HttpRequest request)
    {
        foreach (var line in request.Headers[HeaderNames.SecWebSocketProtocol])
        {
            foreach (var range in line.AsSpan().Split(','))
            {
                var offered = line.AsSpan()[range].Trim();
                if (offered.StartsWith(BearerProtocol, StringComparison.Ordinal) && offered.Length > BearerProtocol.Length)
                    return offered[BearerProtocol.Length..].ToString();
            }
        }
        return null;
    }
}
