using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Streams.Core;
using OrleansChat.Grains.Interfaces;

namespace OrleansChat.Grains;

/// <summary>The live fronts, by lease. Kept in grain state, so that an activation that is new can broadcast at once.</summary>
internal sealed partial class FrontsGrain(
    [PersistentState("fronts", GrainStores.Default)] IPersistentState<FrontsState> state,
    IStreamSubscriptionManagerAdmin subscriptions,
    IOptions<GrainOptions> options,
    TimeProvider time,
    ILogger<FrontsGrain> logger) : Grain, IFrontsGrain
{
    private readonly Dictionary<string, long> _expires = new(StringComparer.Ordinal);
    private FeedWriter _feeds = null!;
    private TimeSpan _lease = TimeSpan.FromSeconds(45);
    private bool _isSaved = true;

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _feeds = new FeedWriter(this.GetStreamProvider(Feeds.Provider), "fronts", logger);
        foreach (var front in state.State.Fronts)
            _expires[front.Id] = Expiry(_lease);
        this.RegisterGrainTimer(DropDeadAsync, new GrainTimerCreationOptions(TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(5)));
        return Task.CompletedTask;
    }

    public Task<Front[]> Live() => Task.FromResult(LiveFronts().OrderBy(front => front.StartedAt).ToArray());

    public Task Broadcast(Broadcast broadcast)
    {
        var chars = options.Value.MessageChars;
        if (broadcast.Message.Length == 0 || broadcast.Message.Length > chars || broadcast.Include.Length > 1_000 || broadcast.Exclude.Length > 1_000)
            throw new ChatException(ChatError.InvalidPayload, $"message must have 1 to {chars} characters; includeIds and excludeIds hold at most 1000 ids");
        _feeds.Write([.. LiveFronts().Select(front => front.Id)], new FeedEvent.BroadcastSent(broadcast, time.GetUtcNow().ToUnixTimeMilliseconds()));
        return Task.CompletedTask;
    }

    public async Task Renew(Front front, TimeSpan lease)
    {
        _lease = lease;
        _isSaved &= _expires.ContainsKey(front.Id);
        _expires[front.Id] = Expiry(lease);
        state.State.Fronts.RemoveAll(other => other.Id == front.Id);
        state.State.Fronts.Add(front);
        await SaveAsync();
    }

    public Task Retire(string front) => ForgetAsync([front]);

    private Task DropDeadAsync()
    {
        var now = time.GetTimestamp();
        var dead = _expires.Where(front => front.Value <= now).Select(front => front.Key).ToList();
        foreach (var front in dead)
            LogLeaseEnded(front);
        return ForgetAsync(dead);
    }

    private async Task ForgetAsync(List<string> fronts)
    {
        if (fronts.Count == 0)
            return;
        foreach (var front in fronts)
        {
            await ClearSubscriptionsAsync(front);
            _isSaved = false;
            _expires.Remove(front);
            _feeds.Forget(front);
            state.State.Fronts.RemoveAll(other => other.Id == front);
        }

        await SaveAsync();
    }

    /// <summary>Which fronts there are is written when it changed; a write that failed is made up for by the next renewal.</summary>
    private async Task SaveAsync()
    {
        if (_isSaved)
            return;
        await state.WriteStateAsync();
        _isSaved = true;
    }

    private IEnumerable<Front> LiveFronts()
    {
        var now = time.GetTimestamp();
        return state.State.Fronts.Where(front => _expires.GetValueOrDefault(front.Id) > now);
    }

    /// <summary>A process that was killed leaves its subscriptions in PubSubStore, and every silo would try to deliver to it after a restart.</summary>
    private async Task ClearSubscriptionsAsync(string front)
    {
        var manager = subscriptions.GetStreamSubscriptionManager(StreamSubscriptionManagerType.ExplicitSubscribeOnly);
        for (var partition = 0; partition < Feeds.Partitions; partition++)
        {
            var stream = Feeds.Stream(front, partition);
            foreach (var subscription in await manager.GetSubscriptions(Feeds.Provider, stream))
                await manager.RemoveSubscription(Feeds.Provider, stream, subscription.SubscriptionId);
        }
    }

    private long Expiry(TimeSpan lease) => time.GetTimestamp() + (long)(lease.TotalSeconds * time.TimestampFrequency);

    [LoggerMessage(Level = LogLevel.Information, Message = "Front {Front} did not renew in time: it is taken for dead")]
    private partial void LogLeaseEnded(string front);
}

/// <summary>What <see cref="FrontsGrain"/> keeps.</summary>
[GenerateSerializer, Alias("chat.fronts-state")]
public sealed class FrontsState
{
    /// <summary>The fronts that were live when this was written.</summary>
    [Id(0)]
    public List<Front> Fronts { get; init; } = [];
}
