using OrleansChat.Grains.Interfaces;

namespace OrleansChat.WebFront.Rooms;

/// <summary>
/// One user on this front: the sessions, and the lease by which the user's grain knows of them. One call is in flight, and what gathers meanwhile goes into the
/// next; there is one of these per user, so it does that without a <see cref="Streaming.Batcher{T}"/> and keeps no list while nothing is asked.
/// </summary>
internal sealed class LocalUser(string userId, IGrainFactory grains, FrontClaims claims)
{
    /// <summary>Requests that may wait for a call. More are answered <c>unavailable</c>, but for leaves: there are no more of them than sessions, and one that is lost leaves a ghost.</summary>
    private const int MaxWaiting = 1_024;

    private readonly IUserGrain _grain = grains.GetGrain<IUserGrain>(userId);
    private UserSession[] _sessions = [];

    /// <summary>What waits for the call in flight; null where none is.</summary>
    private Request[]? _waiting;

    public string UserId => userId;

    /// <summary>Sessions admitted or asking to be; the hub counts them, under its own lock.</summary>
    public int Holders { get; set; }

    /// <summary>When the lease has to be renewed; the clock's timestamp.</summary>
    public long RenewAt { get; set; }

    /// <summary>Asks whether the user may have one more connection.</summary>
    /// <exception cref="ChatException"><see cref="ChatError.Unavailable"/>: the cluster did not answer.</exception>
    public Task<bool> AdmitAsync(UserSession session) => PostAsync(new Request(session, null, NewAnswer()));

    /// <summary>A session is gone. Ends when the grain was told, or could not be: then the lease ends by itself.</summary>
    public Task LeaveAsync(string clientId) => PostAsync(new Request(null, clientId, NewAnswer()));

    /// <summary>Renews the lease.</summary>
    public Task RenewAsync() => PostAsync(new Request(null, null, NewAnswer()));

    private static TaskCompletionSource<bool> NewAnswer() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private Task<bool> PostAsync(Request request)
    {
        while (true)
        {
            var waiting = Volatile.Read(ref _waiting);
            if (waiting?.Length >= MaxWaiting && request.Leaves is null)
                return Task.FromException<bool>(ChatException.Unavailable());
            if (Interlocked.CompareExchange(ref _waiting, [.. waiting ?? [], request], waiting) != waiting)
                continue;
            if (waiting is null)
                _ = RunAsync();
            return request.Answer.Task;
        }
    }

    private async Task RunAsync()
    {
        Request[] none = [];
        do
        {
            while (Interlocked.Exchange(ref _waiting, none) is { Length: > 0 } requests)
                await CallAsync(requests);
        }
        while (Interlocked.CompareExchange(ref _waiting, null, none) != none);
    }

    private async Task CallAsync(Request[] requests)
    {
        foreach (var request in requests)
        {
            if (request.Joins is { } session)
                _sessions = [.. _sessions, session];
            else if (request.Leaves is { } clientId)
                Forget(clientId);
        }

        if (_sessions.Length == 0 && !requests.Any(request => request.Leaves is not null))
        {
            // A renewal behind the last leave: the user may be back by now, under a lease of its own that this one must not speak against.
            foreach (var request in requests)
                request.Answer.TrySetResult(true);
            return;
        }

        string[] refused = [];
        Exception? failure = null;
        try
        {
            refused = (await _grain.Renew(new UserRenewal(claims.FrontId, claims.NextVersion(), claims.Lease, _sessions))).Refused;
            RenewAt = claims.NextRenewal();
            claims.OnConfirmed();
        }
        catch (Exception e)
        {
            failure = e as ChatException ?? ChatException.Unavailable(e);
        }

        foreach (var request in requests)
        {
            var isRefused = request.Joins is { } session && (failure is not null || refused.Contains(session.ClientId, StringComparer.Ordinal));
            if (isRefused)
                Forget(request.Joins!.ClientId);
            if (failure is null)
                request.Answer.TrySetResult(!isRefused);
            else
                request.Answer.TrySetException(failure);
            _ = request.Answer.Task.Exception; // observed: a leave waits for nobody
        }
    }

    private void Forget(string clientId) => _sessions = [.. _sessions.Where(known => known.ClientId != clientId)];

    private readonly record struct Request(UserSession? Joins, string? Leaves, TaskCompletionSource<bool> Answer);
}
