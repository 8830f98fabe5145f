namespace OrleansChat.WebFront.Auth;

/// <summary><c>POST /dev/token</c>: any token one likes, for whoever sits at this machine. Mapped in Development only.</summary>
internal sealed class DevTokenEndpoint(TokenIssuer issuer)
{
    private const int MaxSeconds = 86_400;
    private const int DefaultSeconds = 3_600;

    public async Task AnswerAsync(HttpContext context)
    {
        if (!issuer.CanIssue)
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound; // Only Auth:JwksUri is set: there is nothing to sign with.
            return;
        }
        if (!ThisMachine.Sent(context))
        {
            await AuthProblem.WriteAsync(context, StatusCodes.Status403Forbidden, "forbidden", "Development tokens are for this machine only: ask at localhost.");
            return;
        }
        if (await TokenRequest.ReadAsync(context, TokenRequest.DevToken) is not { } request)
            return;
        if (Wrong(request) is { } wrong)
        {
            await TokenRequest.RefuseAsync(context, wrong);
            return;
        }

        var lifetime = TimeSpan.FromSeconds(request.ExpiresIn ?? DefaultSeconds);
        var token = issuer.Issue(request.UserId ?? request.Username!, request.Username!, request.Roles ?? [], lifetime);
        if (token.Token.Length > TokenReader.MaxChars)
            await TokenRequest.RefuseAsync(context, "roles are too many: the token would be longer than is accepted.");
        else
            await TokenRequest.AnswerAsync(context, token);
    }

    /// <summary>Which field does not fit, or null. What is handed out must be what the reader takes.</summary>
    private static string? Wrong(DevTokenRequest request)
    {
        if (request.Username is null || !Identity.Fits(request.Username))
            return $"username must have 1 to {Identity.MaxChars} characters, none of them control characters.";
        if (request.UserId is not null && !Identity.Fits(request.UserId))
            return $"userId must have 1 to {Identity.MaxChars} characters, none of them control characters.";
        if (request.ExpiresIn is < 1 or > MaxSeconds)
            return $"expiresIn must be from 1 to {MaxSeconds} seconds.";
        // The annotations know no nullable elements.
        if (request.Roles is not null && request.Roles.Any(role => role is null || !Identity.Fits(role)))
            return $"roles must be strings of 1 to {Identity.MaxChars} characters, none of them control characters.";
        return null;
    }
}
