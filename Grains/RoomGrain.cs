using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Concurrency;
using OrleansChat.Grains.Interfaces;
using OrleansChat.Grains.Logs;

namespace OrleansChat.Grains;

/// <summary>
/// One room: check → append → stream → answer. Its log is all it keeps; who is there, the fronts tell it. Reentrant: what has to be in order
/// (appends) goes through <see cref="RoomPump"/>, what only reads goes past it.
/// </summary>
[Reentrant]
internal sealed partial class RoomGrain : Grain, IRoomGrain
{
    /// <summary>How long a front that only the log's header knows of may take to renew; a renewal brings its own lease.</summary>
    private static readonly TimeSpan AdoptedLease = TimeSpan.FromSeconds(45);

    /// <summary>Leases are looked at as often at least: a shorter one may have come since the last look.</summary>
    private static readonly TimeSpan LeaseLook = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan LongestLease = TimeSpan.FromHours(1);

    private readonly string _room;
    private readonly GrainOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly IStoreSync? _sync;
    private readonly RoomOutage _outage;
    private readonly RoomLog _log;
    private readonly RoomMembers _members;
    private readonly RoomPump _pump;
    private readonly RoomDoor _door;
    private FeedWriter _feeds = null!;
    private RoomNews _news = null!;
    private IGrainTimer? _leaseTimer;
    private IGrainTimer? _newsTimer;

    public RoomGrain(ILogStore store, IOptions<GrainOptions> options, TimeProvider time, ILogger<RoomGrain> logger, IStoreSync sync, ActiveRooms active)
    {
        (_room, _options, _time, _logger, _sync) = (this.GetPrimaryKeyString(), options.Value, time, logger, sync.IsNeeded ? sync : null);
        _log = new RoomLog(store, _room, _options, time) { Opened = OnOpenedAsync };
        _members = new RoomMembers(_options.MembersPerRoom, time);
        _pump = new RoomPump(_log, Stream, OnPumpFailed, _options.MessageChars, time);
        _outage = new RoomOutage(_room, logger);
        _door = new RoomDoor(_room, active, GrainContext.Scheduler, _pump.Post);
    }

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _feeds = new FeedWriter(this.GetStreamProvider(Feeds.Provider), _room, _logger);
        _news = new RoomNews(_room, _members, _feeds, _options.PresenceDetailLimit, _time);
        return Task.CompletedTask;
    }

    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        _door.Close();
        _news.TellAll(); // Who comes up elsewhere does not know what was held back.
        return _pump.StopAsync(cancellationToken);
    }

    public async Task<PublishAnswer> Publish(PublishRequest request)
    {
        var answer = (await PublishBatch([request]))[0];
        return answer.Error is { } error ? throw PublishRules.Refusal(error, _options.MessageChars) : answer;
    }

    public Task<PublishAnswer[]> PublishBatch(PublishRequest[] requests)
    {
        _door.Open();
        var batch = new PendingPublish(requests);
        _pump.Post(batch);
        return _sync is null ? batch.Answers : WhenSyncedAsync(_sync, batch.Answers);
    }

    public Task<LogPage> Read(long from, int limit) => ReadPageAsync(_ => (from, Math.Clamp(limit, 1, 1_000)));

    public Task<LogPage> ReadBefore(long before, int limit) => ReadPageAsync(log =>
    {
        // From the first seq that is still kept on, or the page would go on behind its end for what is missing at its beginning.
        var last = Math.Clamp(before, 1, log.Head + 1) - 1;
        var from = Math.Max(log.First, last + 1 - Math.Clamp(limit, 1, 1_000));
        return (from, last + 1 - from);
    });

    public async Task<MemberPage> Members(string? after, int limit)
    {
        await OpenAsync(create: false);
        return _members.Page(after, Math.Clamp(limit, 1, 1_000));
    }

    public Task Type(string userId, string username, bool isTyping)
    {
        _news.Type(userId, username, isTyping);
        WatchNews();
        return Task.CompletedTask;
    }

    public async Task<RoomLease> Renew(RoomRenewal renewal)
    {
        if (renewal.Lease <= TimeSpan.Zero || renewal.Lease > LongestLease || Array.Exists(renewal.Changes, change => change.Connections < 0))
            throw new ChatException(ChatError.InvalidPayload, "a lease must be more than 0 and at most one hour, and connections not below 0");
        if (!await TryOpenAsync(renewal.Create))
            return new RoomLease(LeaseOutcome.NotFound, "", 0, 0, [], 0);
        if (renewal.Epoch == _log.Header.Epoch && renewal.LastSeq > _log.Header.Head)
            await OnLogFellBackAsync(renewal);

        var held = _members.Holds(renewal.Front);
        if (!held && renewal.Changes.Length > 0 && !await KeepAsync(() => _log.AddFrontAsync(renewal.Front)))
            throw ChatException.Unavailable();

        var (changes, refused) = (new List<PresenceChange>(), new List<string>());
        var outcome = _members.Renew(renewal, changes, refused);
        Tell(changes);
        var lease = new RoomLease(outcome, _log.Header.Epoch, _log.Header.Head, _members.Count, [.. refused], _members.Revision);
        if (_members.Holds(renewal.Front))
            WatchLeases();
        else if (outcome == LeaseOutcome.Granted)
            await ReleaseAsync(renewal.Front);
        return lease;
    }

    private async Task<PublishAnswer[]> WhenSyncedAsync(IStoreSync sync, Task<PublishAnswer[]> answers)
    {
        await answers;
        await KeepAsync(async () => { await sync.SyncAsync(); return true; });
        return await answers;
    }

    private async Task<LogPage> ReadPageAsync(Func<LogHeader, (long From, long Count)> range)
    {
        await OpenAsync(create: false);
        var header = _log.Header;
        var (from, count) = range(header);
        var entries = await KeepAsync(() => _log.ReadAsync(from, count));
        // While it read, another epoch may have begun, or the oldest entries may have gone: the page tells of what was read, and no more.
        var first = entries is [var oldest, ..] && oldest.Entry.Seq > from ? oldest.Entry.Seq : header.First;
        return new LogPage(header.Epoch, first, header.Head, LogEntry.Visible(entries));
    }

    /// <summary>Entries are in the log: the fronts hear of them.</summary>
    private void Stream(string epoch, List<LogEntry> entries) =>
        _feeds.Write(_members.Fronts, new FeedEvent.Published(_room, epoch, LogEntry.Visible(entries)));

    /// <summary>The header was read, at first or anew: what it knows and this activation does not is caught up on.</summary>
    private async Task OnOpenedAsync()
    {
        foreach (var front in _log.Header.Fronts.Where(front => !_members.Holds(front)).ToList())
        {
            _members.Adopt(front, AdoptedLease);
            _feeds.Write(front, new FeedEvent.RenewRoom(_room));
            WatchLeases();
        }

        foreach (var front in _members.Fronts.Except(_log.Header.Fronts, StringComparer.Ordinal).ToList())
        {
            await _log.AddFrontAsync(front);
            _feeds.Write(front, new FeedEvent.RenewRoom(_room));
        }

        await _pump.CatchUpAsync();
    }

    /// <summary>A front delivered what the log does not hold. If reading it anew does not explain that, the log lost its end: a new epoch.</summary>
    private async Task OnLogFellBackAsync(RoomRenewal renewal)
    {
        _log.Suspect();
        await OpenAsync(create: true);
        if (renewal.Epoch != _log.Header.Epoch || renewal.LastSeq <= _log.Header.Head)
            return;
        LogFellBack(_room, renewal.LastSeq, _log.Header.Head);
        await KeepAsync(_log.ResetAsync);
        await OpenAsync(create: true);
    }

    private void OnPumpFailed(Exception cause)
    {
        _outage.Note(cause);
        // What was under way may be in the log all the same, and the room should hear of it without waiting for the next message.
        DelayDeactivation(TimeSpan.FromMinutes(1));
        WatchNews();
    }

    private void Tell(List<PresenceChange> changes)
    {
        _news.Tell(changes);
        if (_news.IsWaiting)
            WatchNews();
    }

    private async Task ReleaseAsync(string front)
    {
        _feeds.Forget(front);
        try
        {
            if (_members.Holds(front))
                return; // It came back while others were released.
            await _log.RemoveFrontAsync(front);
            if (_members.Holds(front))
                await _log.AddFrontAsync(front); // It came back meanwhile, and its note in the header may be what was removed.
        }
        catch (Exception e)
        {
            _log.Suspect();
            LogFrontKept(e, _room, front);
        }
    }

    /// <summary>Sees to it that somebody looks when the next lease ends, for as long as there are any.</summary>
    private void WatchLeases() => _leaseTimer ??= this.RegisterGrainTimer(
        OnLeaseTimer, new GrainTimerCreationOptions(_members.UntilNextExpiry(LeaseLook), LeaseLook) { Interleave = true });

    private async Task OnLeaseTimer()
    {
        var changes = new List<PresenceChange>();
        var dead = _members.Expire(changes);
        Tell(changes);
        foreach (var front in dead)
        {
            LogLeaseEnded(_room, front);
            await ReleaseAsync(front);
        }

        _leaseTimer?.Dispose();
        _leaseTimer = null;
        if (_members.Fronts.Length > 0)
            WatchLeases();
    }

    /// <summary>Once a second for as long as there is something to tell: occupancy, typing held back, a log to read again.</summary>
    private void WatchNews() =>
        _newsTimer ??= this.RegisterGrainTimer(OnNewsTimer, new GrainTimerCreationOptions(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1)) { Interleave = true });

    private async Task OnNewsTimer()
    {
        _news.TellDue();
        if (_pump.HasFailed)
        {
            _pump.HasFailed = false; // Whoever fails meanwhile says so again.
            if (!await ReopenAsync())
                _pump.HasFailed = true;
        }

        if (_news.IsWaiting || _pump.HasFailed)
            return;
        _newsTimer?.Dispose();
        _newsTimer = null;
    }

    private async Task<bool> ReopenAsync()
    {
        try
        {
            await _log.EnsureOpenAsync(create: false);
            _outage.End();
            return true;
        }
        catch (Exception e)
        {
            _outage.Note(e);
            return false;
        }
    }

    private async Task OpenAsync(bool create)
    {
        if (!await TryOpenAsync(create))
            throw PublishRules.Refusal(ChatError.NotFound, _options.MessageChars);
    }

    private Task<bool> TryOpenAsync(bool create) => KeepAsync(() => _log.EnsureOpenAsync(create).AsTask());

    /// <summary>What the store throws stays here: the caller, maybe in another process, gets a code.</summary>
    private async Task<T> KeepAsync<T>(Func<Task<T>> useStore)
    {
        try
        {
            var answer = await useStore();
            _outage.End();
            return answer;
        }
        catch (Exception e) when (e is not ChatException)
        {
            _log.Suspect();
            _outage.Note(e);
            throw ChatException.Unavailable();
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "The log of room {Room} fell back: a front delivered seq {Seen}, the log ends at {Head}. A new epoch begins")]
    private partial void LogFellBack(string room, long seen, long head);

    [LoggerMessage(Level = LogLevel.Information, Message = "Front {Front} did not renew room {Room} in time: its members are gone")]
    private partial void LogLeaseEnded(string room, string front);

    [LoggerMessage(Level = LogLevel.Debug, Message = "The log of room {Room} still names front {Front}; the next activation will find its lease ended")]
    private partial void LogFrontKept(Exception e, string room, string front);
}
