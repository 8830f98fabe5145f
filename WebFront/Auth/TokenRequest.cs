using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Net.Http.Headers;

namespace OrleansChat.WebFront.Auth;

/// <summary>Reads and answers the requests for tokens: small strict JSON in, JSON that no cache keeps out.</summary>
internal static class TokenRequest
{
    /// <summary>The most bytes of a body.</summary>
    public const int MaxBytes = 4096;

    public static JsonTypeInfo<GuestRequest> Guest => AuthJson.Default.GuestRequest;

    public static JsonTypeInfo<DevTokenRequest> DevToken => AuthJson.Default.DevTokenRequest;

    /// <summary>The body, or null after a refusal was written: 400 where it does not fit, 413 where it is too long. Any content type will do.</summary>
    public static async ValueTask<T?> ReadAsync<T>(HttpContext context, JsonTypeInfo<T> type)
        where T : class
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
            size.MaxRequestBodySize = MaxBytes;
        try
        {
            if (await JsonSerializer.DeserializeAsync(context.Request.Body, type, context.RequestAborted) is { } body)
                return body;
        }
        catch (BadHttpRequestException e)
        {
            await AuthProblem.WriteAsync(context, e.StatusCode, "invalid_payload", $"The body is cut off, or longer than {MaxBytes} bytes.");
            return null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // What the exception says names our types: it goes nowhere.
        }
        await RefuseAsync(context, "The body must be a JSON object with fields of the right types.");
        return null;
    }

    /// <summary>Answers 400 and says which field does not fit.</summary>
    public static Task RefuseAsync(HttpContext context, string detail) =>
        AuthProblem.WriteAsync(context, StatusCodes.Status400BadRequest, "invalid_payload", detail);

    /// <summary>Answers 200 with the token.</summary>
    public static Task AnswerAsync(HttpContext context, IssuedToken token)
    {
        context.Response.ContentType = "application/json; charset=utf-8";
        context.Response.Headers[HeaderNames.CacheControl] = "no-store";
        return JsonSerializer.SerializeAsync(context.Response.Body, token, AuthJson.Default.IssuedToken, context.RequestAborted);
    }
}

/// <summary>The body of <c>POST /auth/guest</c>.</summary>
internal sealed record GuestRequest(string? Username = null);

/// <summary>The body of <c>POST /dev/token</c>.</summary>
internal sealed record DevTokenRequest(string? Username = null, string? UserId = null, string[]? Roles = null, int? ExpiresIn = null);
