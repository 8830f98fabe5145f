using OrleansChat.Grains.Interfaces;
using OrleansChat.Streaming;

namespace OrleansChat.WebFront.Rooms;

/// <summary>One user on this front: the sessions, and the lease by which the user's grain knows of them.</summary>
internal sealed class LocalUser
{
    private readonly IUserGrain _grain;
    private readonly FrontClaims _claims;
    private readonly Batcher<Request> _batcher;
    private readonly List<UserSession> _sessions = [];

    public LocalUser(string userId, IGrainFactory grains, FrontClaims claims)
    {
        (UserId, _claims) = (userId, claims);
        _grain = grains.GetGrain<IUserGrain>(userId);
        _batcher = new Batcher<Request>(65_536, DrainAsync);
    }

    public string UserId { get; }

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

    private Task<bool> PostAsync(Request request) =>
        _batcher.TryPost(request) ? request.Answer.Task : Task.FromException<bool>(ChatException.Unavailable());

    private async Task DrainAsync(IReadOnlyList<Request> requests)
    {
        foreach (var request in requests)
        {
            if (request.Joins is { } session)
                _sessions.Add(session);
            else if (request.Leaves is { } clientId)
                _sessions.RemoveAll(known => known.ClientId == clientId);
        }

        if (_sessions.Count == 0 && !requests.Any(request => request.Leaves is not null))
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
            refused = (await _grain.Renew(new UserRenewal(_claims.FrontId, _claims.NextVersion(), _claims.Lease, [.. _sessions]))).Refused;
            RenewAt = _claims.NextRenewal();
            _claims.OnConfirmed();
        }
        catch (Exception e)
        {
            failure = e as ChatException ?? ChatException.Unavailable(e);
        }

        foreach (var request in requests)
        {
            var isRefused = request.Joins is { } session && (failure is not null || refused.Contains(session.ClientId, StringComparer.Ordinal));
            if (isRefused)
                _sessions.Remove(request.Joins!);
            if (failure is null)
                request.Answer.TrySetResult(!isRefused);
            else
                request.Answer.TrySetException(failure);
            _ = request.Answer.Task.Exception; // observed: a leave waits for nobody
        }
    }

    private readonly record struct Request(UserSession? Joins, string? Leaves, TaskCompletionSource<bool> Answer);
}
