using Microsoft.IdentityModel.Tokens;

namespace OrleansChat.WebFront.Auth;

/// <summary>
/// The issuer's public keys, fetched from <see cref="AuthOptions.JwksUri"/> and kept. Asked for again when a token names a key that is not among them, at most
/// every 30 s whatever tokens come, and quietly every 10 minutes, so that a key taken back does not live on here. While the address does not answer,
/// the keys of its last answer stand.
/// </summary>
internal sealed partial class JwksKeys(AuthOptions options, TimeProvider time, ILogger<JwksKeys> logger) : IDisposable
{
    /// <summary>Between one request for the keys and the next.</summary>
    public static readonly TimeSpan Pause = TimeSpan.FromSeconds(30);

    /// <summary>The same as long as the address has never answered: then nobody can come in, and nobody's guess costs more than one request.</summary>
    public static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(5);

    /// <summary>Keys older than this are asked for again while they go on being used.</summary>
    public static readonly TimeSpan MaxAge = TimeSpan.FromMinutes(10);

    /// <summary>How long the address may take to answer.</summary>
    public static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(5);

    private const int MaxAnswerBytes = 256 * 1024;
    private static readonly Task<bool> NotAsked = Task.FromResult(false);

    private readonly Uri? _address = string.IsNullOrEmpty(options.JwksUri) ? null : new Uri(options.JwksUri);
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _stopping = new();

    // Redirects are not followed: keys come from the configured address or not at all.
    private readonly HttpClient _client = new(new SocketsHttpHandler { AllowAutoRedirect = false, PooledConnectionLifetime = TimeSpan.FromMinutes(5) })
    {
        MaxResponseContentBufferSize = MaxAnswerBytes,
        Timeout = Timeout.InfiniteTimeSpan, // Ours is below, on the injected clock.
    };

    private volatile JwksKey[]? _keys;
    private Task<bool> _fetch = NotAsked;
    private long? _askedAt;
    private long? _answeredAt;

    /// <summary>Whether a JWKS address is configured at all.</summary>
    public bool IsConfigured => _address is not null;

    /// <summary>Whether the address has answered since the start.</summary>
    public bool IsLoaded => _keys is not null;

    /// <summary>The keys a token of this algorithm and <c>kid</c> may be signed with (a key or a token without one may be any); asks the issuer again where there are none. None: refuse it.</summary>
    public async ValueTask<SecurityKey[]> FindAsync(string algorithm, string? kid, CancellationToken cancellationToken)
    {
        var keys = Fitting(algorithm, kid);
        if (keys.Length == 0)
        {
            await RefreshAsync(cancellationToken);
            keys = Fitting(algorithm, kid);
        }
        else if (IsOld())
        {
            _ = StartFetch(); // Nobody waits for it; Dispose ends it, and it does not throw.
        }
        return keys;
    }

    /// <summary>
    /// Asks the issuer again, or waits for whoever is asking; true if it answered. False at once where the last request is too recent. Never throws over its answer.
    /// </summary>
    public Task<bool> RefreshAsync(CancellationToken cancellationToken) => StartFetch().WaitAsync(cancellationToken);

    public void Dispose()
    {
        _stopping.Cancel(); // Not disposed: a request that is ending still looks at it, and it holds nothing.
        _client.Dispose();
    }

    private bool IsOld()
    {
        lock (_gate)
            return _answeredAt is { } at && time.GetElapsedTime(at) >= MaxAge;
    }

    private Task<bool> StartFetch()
    {
        lock (_gate)
        {
            if (!_fetch.IsCompleted)
                return _fetch;
            if (_address is null || _stopping.IsCancellationRequested)
                return NotAsked;
            if (_askedAt is { } at && time.GetElapsedTime(at) < (IsLoaded ? Pause : FirstPause))
                return NotAsked;
            _askedAt = time.GetTimestamp();
            return _fetch = FetchAsync(_address);
        }
    }

    private async Task<bool> FetchAsync(Uri address)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding); // Out of the lock.
        try
        {
            using var patience = new CancellationTokenSource(AnswerTimeout, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, _stopping.Token);
            var keys = JwksKey.ParseSet(await _client.GetByteArrayAsync(address, either.Token));
            _keys = keys;
            lock (_gate)
                _answeredAt = time.GetTimestamp();
            LogLoaded(keys.Length);
            return true;
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException or System.Text.Json.JsonException or InvalidOperationException)
        {
            if (!_stopping.IsCancellationRequested)
                LogNoAnswer(e.Message, IsLoaded ? "the keys of its last answer stand" : "no token of its issuer can be checked yet");
            return false;
        }
    }

    private SecurityKey[] Fitting(string algorithm, string? kid)
    {
        if (_keys is not { } keys)
            return [];
        return [.. keys.Where(key => key.Fits(algorithm) && (kid is null || key.Kid is null || string.Equals(key.Kid, kid, StringComparison.Ordinal))).Select(key => key.Key)];
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "Auth:JwksUri answered with {Count} keys we can use")]
    private partial void LogLoaded(int count);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Auth:JwksUri did not give its keys ({Reason}); {Consequence}")]
    private partial void LogNoAnswer(string reason, string consequence);
}
