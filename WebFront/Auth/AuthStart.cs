namespace OrleansChat.WebFront.Auth;

/// <summary>At start: says that the key is a random one, and has the issuer's keys fetched, so that the first client need not wait for them.</summary>
internal sealed partial class AuthStart(SigningSecret secret, JwksKeys jwks, ILogger<AuthStart> logger) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        if (secret.IsRandom)
            LogRandomKey();
        _ = jwks.RefreshAsync(CancellationToken.None); // An issuer that is away must not keep us from starting; JwksKeys ends what it began.
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    [LoggerMessage(
        Level = LogLevel.Information,
        Message = "Auth:SigningKey is not set, so this process made up a key: tokens from /dev/token and /auth/guest are good here until it ends")]
    private partial void LogRandomKey();
}
