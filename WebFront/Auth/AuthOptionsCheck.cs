using System.ComponentModel.DataAnnotations;
using System.Text;
using Microsoft.Extensions.Options;

namespace OrleansChat.WebFront.Auth;

/// <summary>Refuses settings that would leave the door open or nobody able to come in, in sentences that name the key. All of them at once.</summary>
internal sealed class AuthOptionsCheck(IHostEnvironment environment) : IValidateOptions<AuthOptions>
{
    public ValidateOptionsResult Validate(string? name, AuthOptions options)
    {
        List<string> failures = [.. Failures(options, environment.IsDevelopment())];
        return failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);
    }

    internal static IEnumerable<string> Failures(AuthOptions options, bool development)
    {
        var hasKey = !string.IsNullOrEmpty(options.SigningKey);
        var hasJwks = !string.IsNullOrEmpty(options.JwksUri);

        if (!hasKey && !hasJwks && !development)
            yield return "Auth:SigningKey or Auth:JwksUri must be set: without one nobody's token can be checked. Only Development makes up a key of its own.";
        if (hasKey && Encoding.UTF8.GetByteCount(options.SigningKey!) is var bytes && bytes < AuthOptions.MinKeyBytes)
            yield return $"Auth:SigningKey has {bytes} bytes; it must have at least {AuthOptions.MinKeyBytes} (for example from 'openssl rand -base64 48').";
        if (hasJwks && !IsSafe(options.JwksUri!))
            yield return "Auth:JwksUri must be an absolute https address (http only for this machine): whoever can change the keys on the way can be any user.";
        if (hasJwks && string.IsNullOrEmpty(options.Issuer))
            yield return "Auth:Issuer must be set together with Auth:JwksUri: it is what 'iss' must say.";
        if (hasJwks && string.IsNullOrEmpty(options.Audience))
            yield return "Auth:Audience must be set together with Auth:JwksUri: else tokens meant for the issuer's other applications would be good here.";
        if (options.Guests is true && hasJwks && !hasKey)
            yield return "Auth:Guests is true, but with Auth:JwksUri alone there is no key to sign guests' tokens with: set Auth:SigningKey too, or turn Auth:Guests off.";

        List<ValidationResult> outOfRange = [];
        Validator.TryValidateObject(options, new ValidationContext(options), outOfRange, validateAllProperties: true);
        foreach (var failure in outOfRange)
            yield return failure.ErrorMessage!;
    }

    private static bool IsSafe(string address) =>
        Uri.TryCreate(address, UriKind.Absolute, out var uri)
        && (uri.Scheme is "https" || (uri.Scheme is "http" && uri.IsLoopback));
}
