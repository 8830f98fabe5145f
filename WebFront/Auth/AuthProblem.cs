using System.Text.Json;
using Microsoft.Net.Http.Headers;

namespace OrleansChat.WebFront.Auth;

/// <summary>An HTTP refusal as problem details (RFC 9457), the same shape whatever refused.</summary>
/// <param name="Title">The status in words.</param>
/// <param name="Status">The HTTP status.</param>
/// <param name="Detail">A sentence for people.</param>
/// <param name="Code">A word for programs, like the codes of <c>error</c> frames.</param>
internal sealed record AuthProblem(string Title, int Status, string Detail, string Code)
{
    /// <summary>
    /// Answers 401 to a request whose token was refused (503 where the issuer's keys could not be had). Tells only what a holder of a well-signed token may know:
    /// that it ran out, or is not valid yet.
    /// </summary>
    public static Task WriteUnauthorizedAsync(HttpContext context, TokenRefusal refusal)
    {
        if (refusal is TokenRefusal.KeysUnavailable)
        {
            context.Response.Headers.RetryAfter = "5";
            return WriteAsync(context, StatusCodes.Status503ServiceUnavailable, "unavailable", "Tokens cannot be checked at the moment.");
        }
        var (code, detail) = refusal switch
        {
            TokenRefusal.Missing => ("invalid_request", "A token is needed."),
            TokenRefusal.Expired => ("invalid_token", "The token has expired."),
            TokenRefusal.NotYetValid => ("invalid_token", "The token is not valid yet."),
            _ => ("invalid_token", "The token is not valid."),
        };
        context.Response.Headers.WWWAuthenticate = $"Bearer error=\"{code}\", error_description=\"{detail}\"";
        return WriteAsync(context, StatusCodes.Status401Unauthorized, code, detail);
    }

    /// <summary>Answers with a problem body that no cache keeps.</summary>
    public static Task WriteAsync(HttpContext context, int status, string code, string detail)
    {
        var response = context.Response;
        response.StatusCode = status;
        response.ContentType = "application/problem+json";
        response.Headers[HeaderNames.CacheControl] = "no-store";
        var title = Microsoft.AspNetCore.WebUtilities.ReasonPhrases.GetReasonPhrase(status);
        return JsonSerializer.SerializeAsync(response.Body, new AuthProblem(title, status, detail, code), AuthJson.Default.AuthProblem, context.RequestAborted);
    }
}
