using Orleans.Streams;
using OrleansChat.Grains.Interfaces;

namespace OrleansChat.WebFront.Rooms;

/// <summary>
/// This front's subscriptions to its feeds, looked after: a front that was cut off from a gateway for long loses them for good and is told nothing
/// (dotnet/orleans#7932). Whenever one is missing it is made anew, and every room is caught up from the log.
/// </summary>
internal sealed partial class FrontFeed(IClusterClient cluster, FrontHub hub, FrontClaims claims, ILogger<FrontFeed> logger)
{
    private readonly StreamSubscriptionHandle<FeedEvent>?[] _handles = new StreamSubscriptionHandle<FeedEvent>?[Feeds.Partitions];

    private readonly TaskCompletionSource _first = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Whether every partition had a subscription when last looked.</summary>
    public bool IsComplete { get; private set; }

    /// <summary>Ends when every partition has a subscription for the first time.</summary>
    public Task FirstComplete => _first.Task;

    /// <summary>Looks at every partition and subscribes where nothing is left.</summary>
    /// <returns>Whether one was missing: what came meanwhile is only in the log.</returns>
    public async Task<bool> EnsureAsync()
    {
        var missing = false;
        for (var partition = 0; partition < Feeds.Partitions; partition++)
        {
            var stream = cluster.GetStreamProvider(Feeds.Provider).GetStream<FeedEvent>(Feeds.Stream(claims.FrontId, partition));
            var known = await stream.GetAllSubscriptionHandles();
            var mine = _handles[partition];
            if (mine is not null && known.Any(handle => handle.HandleId == mine.HandleId))
                continue;

            missing = true;
            IsComplete = false;
            // One that this process cannot hear any more would deliver everything twice.
            foreach (var handle in known)
                await handle.UnsubscribeAsync();
            _handles[partition] = await stream.SubscribeAsync(OnNextAsync);
            LogSubscribed(partition);
        }

        IsComplete = true;
        _first.TrySetResult();
        return missing;
    }

    /// <summary>Gives the subscriptions back; what fails is cleared by <see cref="IFrontsGrain"/> when it takes this front for gone.</summary>
    public async Task LeaveAsync()
    {
        for (var partition = 0; partition < Feeds.Partitions; partition++)
        {
            if (_handles[partition] is { } handle)
                await handle.UnsubscribeAsync();
            _handles[partition] = null;
        }
    }

    private Task OnNextAsync(IList<SequentialItem<FeedEvent>> batch)
    {
        foreach (var item in batch)
        {
            try
            {
                hub.OnFeedEvent(item.Item);
            }
            catch (Exception e)
            {
                LogFailed(e);
            }
        }

        return Task.CompletedTask;
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "Subscribed to feed partition {Partition}")]
    private partial void LogSubscribed(int partition);

    [LoggerMessage(Level = LogLevel.Error, Message = "An event of the feed could not be delivered; the log has it")]
    private partial void LogFailed(Exception e);
}
