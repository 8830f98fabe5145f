using Microsoft.Extensions.Options;
using OrleansChat.Grains.Interfaces;

namespace OrleansChat.WebFront.Rooms;

/// <summary>
/// Keeps this front known to the cluster: its feed's subscriptions, its own lease, and those of its rooms and users. Leases heal what streams lose: a renewal
/// that finds the log ahead makes its room read it. A front that no grain answered for a whole lease sends its clients elsewhere.
/// </summary>
internal sealed partial class LeaseLoop(
    FrontHub hub, FrontFeed feed, FrontClaims claims, FrontDrain drain, IGrainFactory grains, IHostApplicationLifetime lifetime, IOptions<FrontOptions> options,
    TimeProvider time, ILogger<LeaseLoop> logger) : BackgroundService
{
    private const int Parallel = 64;

    private static readonly TimeSpan FeedCheck = TimeSpan.FromSeconds(5);

    private readonly long _startedAt = time.GetUtcNow().ToUnixTimeMilliseconds();
    private TaskCompletionSource _hurried = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _isFailing;
    private long _frontAt;
    private long _feedAt;

    /// <summary>Whether the front has the cluster: its feeds are subscribed, and its last call was answered within a lease.</summary>
    public bool HasCluster => feed.IsComplete && !claims.HasRunOut;

    /// <summary>A sign of trouble, such as a gateway that is lost: everything is looked after at once.</summary>
    public void Hurry() => Volatile.Read(ref _hurried).TrySetResult();

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        try
        {
            await feed.LeaveAsync().WaitAsync(TimeSpan.FromSeconds(2), time, cancellationToken);
            await grains.GetGrain<IFrontsGrain>(IFrontsGrain.Key).Retire(claims.FrontId).WaitAsync(TimeSpan.FromSeconds(2), time, cancellationToken);
        }
        catch (Exception e)
        {
            LogNotRetired(e);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // Before that, the silo in this process may not have started, or not have been found where it is in others.
        var started = new TaskCompletionSource();
        await using var registration = lifetime.ApplicationStarted.Register(started.SetResult);
        await started.Task.WaitAsync(stoppingToken);

        var tick = TimeSpan.FromSeconds(Math.Clamp(options.Value.LeaseRenewal.TotalSeconds / 15, 0.02, 1));
        await Task.WhenAll(RenewAsync(tick, stoppingToken), WatchAsync(tick, stoppingToken));
    }

    private async Task RenewAsync(TimeSpan tick, CancellationToken stopping)
    {
        while (true)
        {
            var isHurried = _hurried.Task.IsCompleted;
            if (isHurried)
                Volatile.Write(ref _hurried, new(TaskCreationOptions.RunContinuationsAsynchronously));
            await TryTickAsync(everything: isHurried || _isFailing, stopping);
            await Task.WhenAny(Task.Delay(tick, time, stopping), _hurried.Task);
            stopping.ThrowIfCancellationRequested();
        }
    }

    /// <summary>Looks at the clock beside the renewals: one that hangs is just what this is for. Who connects when the cluster answers again stays.</summary>
    private async Task WatchAsync(TimeSpan tick, CancellationToken stopping)
    {
        while (!stopping.IsCancellationRequested)
        {
            await Task.Delay(tick, time, stopping);
            if (hub.SessionCount > 0 && claims.HasRunOut) // In this order: whoever comes after the cluster has answered is not counted before it.
                await drain.DrainAsync("This server has lost its cluster").WaitAsync(stopping);
        }
    }

    /// <summary>Three steps, each whatever becomes of the others: a fronts' list that cannot be written must not end the leases of the rooms.</summary>
    private async Task TryTickAsync(bool everything, CancellationToken stopping)
    {
        var now = time.GetTimestamp();
        Exception? failure = null;
        if (everything || now >= _feedAt)
            failure = await TryAsync(async () => everything |= await EnsureFeedAsync(now) && hub.SessionCount > 0);
        if (everything || now >= _frontAt)
            failure = await TryAsync(RenewFrontAsync) ?? failure;
        failure = await TryAsync(() => RenewAsync(everything, now, stopping)) ?? failure;

        if (stopping.IsCancellationRequested)
            return;
        if (failure is not null && !_isFailing)
            LogFailed(failure);
        else if (failure is null && _isFailing)
            LogAnswers();
        _isFailing = failure is not null;
    }

    private static async Task<Exception?> TryAsync(Func<Task> step)
    {
        try
        {
            await step();
            return null;
        }
        catch (Exception e)
        {
            return e;
        }
    }

    private async Task<bool> EnsureFeedAsync(long now)
    {
        var missing = await feed.EnsureAsync();
        claims.OnConfirmed();
        _feedAt = now + (long)(FeedCheck.TotalSeconds * time.TimestampFrequency);
        return missing;
    }

    private async Task RenewFrontAsync()
    {
        await grains.GetGrain<IFrontsGrain>(IFrontsGrain.Key)
            .Renew(new Front(claims.FrontId, Environment.MachineName, _startedAt, hub.SessionCount), claims.Lease);
        claims.OnConfirmed();
        _frontAt = claims.NextRenewal();
    }

    private async Task RenewAsync(bool everything, long now, CancellationToken stopping)
    {
        var due = hub.Rooms.Where(room => everything || room.Claim.RenewAt is var at and not 0 && now >= at)
            .OrderByDescending(room => room.HadTraffic)
            .Select(room => (Func<Task>)room.Claim.RenewAsync)
            .Concat(hub.Users.Where(user => everything || user.RenewAt is var at and not 0 && now >= at).Select(user => (Func<Task>)user.RenewAsync))
            .ToList();
        await System.Threading.Tasks.Parallel.ForEachAsync(
            due,
            new ParallelOptions { MaxDegreeOfParallelism = Parallel, CancellationToken = stopping },
            async (renew, _) => await renew().ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing));
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The cluster does not answer this front; trying again")]
    private partial void LogFailed(Exception e);

    [LoggerMessage(Level = LogLevel.Information, Message = "The cluster answers this front again")]
    private partial void LogAnswers();

    [LoggerMessage(Level = LogLevel.Debug, Message = "This front could not say good-bye to the cluster; its leases end by themselves")]
    private partial void LogNotRetired(Exception e);
}
