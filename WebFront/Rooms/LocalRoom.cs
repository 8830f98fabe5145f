using OrleansChat.Grains.Interfaces;
using OrleansChat.WebFront.Frames;

namespace OrleansChat.WebFront.Rooms;

/// <summary>
/// One room on this front: the seats of its sessions and the last seq they were given. An entry is encoded once, and the same bytes are posted to all.
/// It delivers exactly the next seq, skips what it has, and on a hole reads the log before it goes on.
/// </summary>
internal sealed partial class LocalRoom
{
    private readonly Lock _gate = new();
    private readonly List<Seat> _seats = [];
    private readonly ILogger _logger;
    private readonly RoomRepair _repair;
    private (string Epoch, long Seq) _position = ("", 0);
    private (string Epoch, long Seq) _heard = ("", 0);
    private int _members;

    public LocalRoom(string name, IGrainFactory grains, IActiveRooms active, FrontClaims claims, SyncedAnswers answers, TimeProvider time, ILogger<LocalRoom> logger)
    {
        (Name, _logger) = (name, logger);
        Grain = grains.GetGrain<IRoomGrain>(name);
        Claim = new RoomClaim(this, grains, claims);
        _repair = new RoomRepair(this, time, logger);
        Publisher = new RoomPublisher(Grain, active, answers, time, logger);
    }

    public string Name { get; }

    public IRoomGrain Grain { get; }

    /// <summary>This front's lease of the room.</summary>
    public RoomClaim Claim { get; }

    /// <summary>This front's way of saying something in it.</summary>
    public RoomPublisher Publisher { get; }

    /// <summary>Seats taken and claims under way; the hub counts them, under its own lock.</summary>
    public int Holders { get; set; }

    /// <summary>The epoch, and the last seq delivered in it; the epoch is empty before the first lease.</summary>
    public (string Epoch, long Seq) Position
    {
        get
        {
            lock (_gate)
                return _position;
        }
    }

    /// <summary>Users in the room, as last heard.</summary>
    public int Members => Volatile.Read(ref _members);

    /// <summary>Whether anything was delivered since the last look: such rooms are renewed first.</summary>
    public bool HadTraffic { get; set; }

    /// <summary>The grain granted a lease: it says where the log stands.</summary>
    public void OnLease(RoomLease lease)
    {
        lock (_gate)
        {
            Volatile.Write(ref _members, lease.Members);
            if (_position.Epoch.Length == 0)
            {
                // The first lease says from where on to deliver. What was heard before may be more, or of another epoch.
                _position = (lease.Epoch, lease.Head);
                if (_heard.Epoch.Length > 0 && (_heard.Epoch != lease.Epoch || _heard.Seq > lease.Head))
                    _repair.Start();
            }
            else if (_position.Epoch != lease.Epoch || lease.Head > _position.Seq)
            {
                _repair.Start();
            }
        }
    }

    /// <summary>Entries from the feed.</summary>
    public void Deliver(FeedEvent.Published news)
    {
        lock (_gate)
        {
            HadTraffic = true;
            var last = news.Entries[^1].Seq;
            if (_heard.Epoch != news.Epoch || _heard.Seq < last)
                _heard = (news.Epoch, last);
            if (_position.Epoch.Length == 0 || (news.Epoch == _position.Epoch && last <= _position.Seq))
                return;
            if (news.Epoch != _position.Epoch || news.Entries[0].Seq > _position.Seq + 1)
                _repair.Start();
            else
                FanOut(news.Entries);
        }
    }

    /// <summary>Entries from the log, read to mend a hole.</summary>
    /// <returns>What the repair has to do next.</returns>
    public RepairStep Mend(LogPage page)
    {
        lock (_gate)
        {
            if (page.Epoch != _position.Epoch || page.First > _position.Seq + 1 || page.Entries is [var first, ..] && first.Seq > _position.Seq + 1)
                return RepairStep.BeginAnew;
            FanOut(page.Entries);
            var end = _heard.Epoch == _position.Epoch ? Math.Max(_heard.Seq, page.Head) : page.Head;
            return _position.Seq < end ? RepairStep.GoOn : RepairStep.Done;
        }
    }

    /// <summary>The hole cannot be mended: everyone is told, and gets the newest entries instead.</summary>
    public void BeginAnew(LogPage newest)
    {
        lock (_gate)
        {
            LogHole(Name, _position.Seq, newest.Head);
            _position = (newest.Epoch, newest.Head);
            var joined = WireFrame.Encode(new ServerFrame.RoomJoined(null, Name, Members, newest.Head, newest.Epoch, Recovered: false));
            var history = Encode(newest.Entries, replay: true);
            foreach (var seat in _seats)
            {
                seat.Cursor = newest.Head;
                seat.Outbox.TryPost(joined);
                if (newest.Entries.Length > 0)
                    seat.Outbox.TryPost(history);
            }
        }
    }

    /// <summary>Users came or went: told to all but themselves.</summary>
    public void Deliver(FeedEvent.Presence news)
    {
        lock (_gate)
        {
            foreach (var change in news.Changes)
            {
                Volatile.Write(ref _members, change.Members);
                PostToOthers(change.UserId, change.Revision, change.Joined
                    ? new ServerFrame.UserJoined(Name, change.UserId, change.Username, change.Members, change.Timestamp)
                    : new ServerFrame.UserLeft(Name, change.UserId, change.Username, change.Members, change.Timestamp));
            }
        }
    }

    public void Deliver(FeedEvent.Occupancy news)
    {
        Volatile.Write(ref _members, news.Members);
        lock (_gate)
            PostToOthers(userId: null, long.MaxValue, new ServerFrame.Occupancy(Name, news.Members));
    }

    public void Deliver(FeedEvent.Typing news)
    {
        lock (_gate)
            PostToOthers(news.UserId, long.MaxValue, new ServerFrame.Typing(Name, news.UserId, news.Username, news.IsTyping));
    }

    /// <summary>Attaches a seat that wants nothing but what comes from now on, right behind its <c>room_joined</c>.</summary>
    /// <param name="seat">Whose.</param>
    /// <param name="head">Where the log stood when the user joined: what the feed has yet to bring of the time before is no news to this seat.</param>
    /// <param name="joined">Makes the <c>room_joined</c>.</param>
    public void Attach(Seat seat, (string Epoch, long Seq) head, Func<(string Epoch, long Seq), ServerFrame> joined)
    {
        lock (_gate)
        {
            var at = head.Epoch == _position.Epoch && head.Seq > _position.Seq ? head : _position;
            seat.Cursor = at.Seq;
            seat.Outbox.TryPost(WireFrame.Encode(joined(at)));
            _seats.Add(seat);
            seat.IsAttached = true;
        }
    }

    /// <summary>Tells an attached seat where it stands, before anything that comes later.</summary>
    /// <returns>False: it is not attached.</returns>
    public bool TryTell(Seat seat, Func<(string Epoch, long Seq), ServerFrame> joined)
    {
        lock (_gate)
        {
            if (seat.IsAttached)
                seat.Outbox.TryPost(WireFrame.Encode(joined((_position.Epoch, Math.Max(_position.Seq, seat.Cursor)))));
            return seat.IsAttached;
        }
    }

    /// <summary>Attaches a seat that has read the log up to its cursor.</summary>
    /// <returns>False: live entries are ahead of it, or of another epoch; it has to read on.</returns>
    public bool TryAttach(Seat seat)
    {
        lock (_gate)
        {
            if (seat.Epoch != _position.Epoch || seat.Cursor < _position.Seq)
                return false;
            _seats.Add(seat);
            return seat.IsAttached = true;
        }
    }

    public void Detach(Seat seat)
    {
        lock (_gate)
        {
            if (seat.IsAttached)
                _seats.Remove(seat);
            seat.IsAttached = false;
        }
    }

    /// <summary>The outboxes of attached sessions that are more than half full.</summary>
    public List<Task> WaitForSlow()
    {
        lock (_gate)
            return [.. _seats.Where(seat => seat.Outbox.IsHalfFull).Select(seat => seat.Outbox.WaitBelowHalfAsync())];
    }

    public bool IsEmpty
    {
        get
        {
            lock (_gate)
                return _seats.Count == 0;
        }
    }

    public static byte[] Encode(string room, IReadOnlyList<Entry> entries, bool replay) => WireFrame.Encode(entries, (room, replay), static (entry, all) =>
        new ServerFrame.ChatMessage(all.room, entry.Seq, entry.UserId, entry.Username, entry.Text, entry.Timestamp, all.replay ? true : null));

    private byte[] Encode(IReadOnlyList<Entry> entries, bool replay) => Encode(Name, entries, replay);

    /// <summary>Posts entries to all seats, skipping what was delivered before. They begin at or below the next seq.</summary>
    private void FanOut(Entry[] entries)
    {
        if (entries.Length == 0 || entries[^1].Seq <= _position.Seq)
            return;
        var next = After(_position.Seq, entries);
        var frames = Encode(next, replay: false);
        foreach (var seat in _seats)
        {
            if (seat.Cursor < next[0].Seq)
                seat.Outbox.TryPost(frames, mayWait: seat.MayWait());
            else if (seat.Cursor < next[^1].Seq)
                seat.Outbox.TryPost(Encode(After(seat.Cursor, next), replay: false));
        }

        _position = (_position.Epoch, next[^1].Seq);
    }

    private static Entry[] After(long seq, Entry[] entries) => seq < entries[0].Seq ? entries : entries[(int)(seq + 1 - entries[0].Seq)..];

    private void PostToOthers(string? userId, long revision, ServerFrame frame)
    {
        if (_seats.Count == 0)
            return;
        var bytes = WireFrame.Encode(frame);
        foreach (var seat in _seats)
        {
            if (seat.UserId != userId && seat.Revision < revision)
                seat.Outbox.TryPost(bytes, mayBeLost: true, mayWait: true);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Room {Room}: the log does not hold what followed seq {Seq}; going on at {Head}")]
    private partial void LogHole(string room, long seq, long head);
}

/// <summary>What a repair has to do after a page.</summary>
internal enum RepairStep
{
    /// <summary>Every seat has all that is known.</summary>
    Done,

    /// <summary>More is missing.</summary>
    GoOn,

    /// <summary>The log has another epoch, or no longer reaches back.</summary>
    BeginAnew,
}
