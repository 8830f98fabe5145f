using System.Security.Cryptography;
using Microsoft.AspNetCore.Http.Features;

namespace OrleansChat.WebFront.Auth;

/// <summary>
/// <c>POST /auth/guest</c>: a token for whoever asks, with a user id nobody else has; or, asked with a guest's own token that is still good, another for
/// the same user. In that case the body may be missing: the name stays.
/// </summary>
internal sealed class GuestEndpoint(AuthOptions options, TokenIssuer issuer, TokenReader reader, IHostEnvironment environment) : IDisposable
{
    private const string UserIdPrefix = "guest-";
    private const int MaxUsernameChars = 64;
    private static readonly TimeSpan Lifetime = TimeSpan.FromHours(1);

    private readonly GuestLimit _limit = new(options.GuestsPerMinute);

    private bool IsOn => issuer.CanIssue && (options.Guests ?? environment.IsDevelopment());

    public async Task AnswerAsync(HttpContext context)
    {
        if (!IsOn)
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }
        if (!_limit.TryTake(context.Connection.RemoteIpAddress, out var retryAfter))
        {
            context.Response.Headers.RetryAfter = retryAfter.ToString(System.Globalization.CultureInfo.InvariantCulture);
            await AuthProblem.WriteAsync(context, StatusCodes.Status429TooManyRequests, "rate_limited", "Too many guests from this address.");
            return;
        }

        Identity? former = null;
        if (TokenLocation.FromAuthorization(context.Request) is { } token)
        {
            var reading = await reader.ReadAsync(token, context.RequestAborted);
            if (!reading.IsGood)
            {
                await AuthProblem.WriteUnauthorizedAsync(context, reading.Refusal);
                return;
            }
            if (!IsGuest(reading.Identity))
            {
                await AuthProblem.WriteAsync(context, StatusCodes.Status403Forbidden, "forbidden", "Only a guest's token is renewed here.");
                return;
            }
            former = reading.Identity;
        }

        var hasBody = context.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody is not false;
        var request = former is not null && !hasBody ? new GuestRequest() : await TokenRequest.ReadAsync(context, TokenRequest.Guest);
        if (request is null)
            return;
        var username = request.Username?.Trim() ?? former?.Username;
        if (username is null || username.Length is 0 or > MaxUsernameChars || username.AsSpan().ContainsControl())
        {
            await TokenRequest.RefuseAsync(context, $"username must have 1 to {MaxUsernameChars} characters, none of them control characters.");
            return;
        }
        await TokenRequest.AnswerAsync(context, issuer.Issue(former?.UserId ?? NewUserId(), username, [Role.Guest], Lifetime));
    }

    public void Dispose() => _limit.Dispose();

    // Nobody but us hands out these ids; and a token with any other right keeps its own lifetime.
    private static bool IsGuest(Identity identity) =>
        identity.UserId.StartsWith(UserIdPrefix, StringComparison.Ordinal) && identity.Roles.Count == 1 && identity.Roles.Contains(Role.Guest);

    private static string NewUserId() => UserIdPrefix + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
}
