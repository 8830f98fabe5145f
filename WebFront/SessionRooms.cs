using System.Diagnostics.CodeAnalysis;
using OrleansChat.Grains.Interfaces;
using OrleansChat.WebFront.Frames;
using OrleansChat.WebFront.Rooms;
using OrleansChat.WebFront.Sockets;

namespace OrleansChat.WebFront;

/// <summary>The rooms of one session: joining, leaving, looking back. The receive loop alone calls it.</summary>
[SuppressMessage("Design", "CA1001", Justification = "A semaphore that nobody asks for a wait handle has nothing to dispose.")]
internal sealed partial class SessionRooms(Session session, SessionParts parts)
{
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(2);

    /// <summary>A replay that cannot read the log for as long closes its connection with 1011: the client comes back and recovers.</summary>
    private static readonly TimeSpan ReplayPatience = TimeSpan.FromSeconds(60);

    /// <summary>Few, so they are looked through; most sessions have one, and a dictionary would be the largest thing that they hold.</summary>
    private readonly List<Seat> _seats = [];

    private readonly ILogger _logger = parts.Logger;

    /// <summary>
    /// Whose turn it is to post a page: the replays of all rooms that a client comes back to would wake together and overflow, together, what none overflows
    /// alone. As many wait as there are rooms.
    /// </summary>
    private SemaphoreSlim? _turn;

    /// <exception cref="ChatException"><see cref="ChatError.NotInRoom"/>.</exception>
    public Seat Seat(string room) => Find(room) ?? throw new ChatException(ChatError.NotInRoom, "You are not in this room: join it first");

    public async ValueTask JoinAsync(ClientFrame.JoinRoom frame)
    {
        var seat = Find(frame.Room);
        if (seat is not null)
        {
            await seat.Room.Claim.RenewAsync();
            if (frame is { Since: null, History: null or 0 })
            {
                await StopReplayAsync(seat);
                if (seat.Room.TryTell(seat, at => Joined(frame, seat.Room, at)))
                    return;
                session.Send(Joined(frame, seat.Room, (seat.Epoch, seat.Cursor)));
                StartReplay(seat);
                return;
            }

            var page = await FirstPageAsync(frame, seat.Room);
            await DetachAsync(seat);
            AnswerJoin(frame, seat, page, seat.Room.Position);
            return;
        }

        var limit = parts.Options.Value.RoomsPerConnection;
        if (_seats.Count >= limit)
            throw new ChatException(ChatError.TooManyRooms, FormattableString.Invariant($"Too many rooms (max {limit})"));
        var room = parts.Hub.Hold(frame.Room);
        RoomLease lease;
        try
        {
            lease = await room.Claim.JoinAsync(session.UserId, session.Username);
        }
        catch
        {
            parts.Hub.Release(room);
            throw;
        }

        seat = new Seat(room, session.UserId, session.Connection.Outbox) { Revision = lease.Revision };
        try
        {
            AnswerJoin(frame, seat, await FirstPageAsync(frame, room), (lease.Epoch, lease.Head));
        }
        catch
        {
            _ = LeaveAsync(seat);
            throw;
        }

        _seats.Add(seat);
    }

    public async ValueTask LeaveAsync(ClientFrame.LeaveRoom frame)
    {
        var seat = Seat(frame.Room);
        _seats.Remove(seat);
        await LeaveAsync(seat);
        session.Send(new ServerFrame.RoomLeft(frame.Id, frame.Room));
    }

    public async Task LeaveAllAsync()
    {
        var seats = _seats.ToList();
        _seats.Clear();
        await Task.WhenAll(seats.Select(LeaveAsync));
    }

    public async ValueTask HistoryAsync(ClientFrame.ReadHistory frame)
    {
        var grain = Seat(frame.Room).Room.Grain;
        var page = frame.After is { } after
            ? await grain.Read(after + 1, frame.Limit)
            : await grain.ReadBefore(frame.Before ?? long.MaxValue, frame.Limit);
        var more = page.Entries.Length > 0 && (frame.After is null ? page.Entries[0].Seq > page.First : page.Entries[^1].Seq < page.Head);
        var messages = Array.ConvertAll(page.Entries, entry =>
            new HistoryMessage("chat_message", frame.Room, entry.Seq, entry.UserId, entry.Username, entry.Text, entry.Timestamp));
        await session.SendLargeAsync(new ServerFrame.HistoryPage(frame.Id, frame.Room, page.Epoch, messages, more));
    }

    private Seat? Find(string room)
    {
        foreach (var seat in _seats)
        {
            if (seat.Room.Name == room)
                return seat;
        }

        return null;
    }

    private static ServerFrame.RoomJoined Joined(ClientFrame.JoinRoom frame, LocalRoom room, (string Epoch, long Seq) at, bool? recovered = null) =>
        new(frame.Id, frame.Room, room.Members, at.Seq, at.Epoch, recovered);

    /// <summary>What a join that looks back begins with; null where it does not.</summary>
    private static async ValueTask<LogPage?> FirstPageAsync(ClientFrame.JoinRoom frame, LocalRoom room)
    {
        if (frame.Since is { } since)
        {
            var page = await room.Grain.Read(since + 1, RoomRepair.Page);
            return Recovers(frame, page) ? page : await room.Grain.ReadBefore(long.MaxValue, RoomRepair.NewestHistory);
        }

        return frame.History is { } count and > 0 ? await room.Grain.ReadBefore(long.MaxValue, count) : null;
    }

    /// <summary>Whether a page follows what the client saw without a hole: it begins at since + 1, or nothing was missed.</summary>
    private static bool Recovers(ClientFrame.JoinRoom frame, LogPage page) =>
        page.Epoch == frame.Epoch && frame.Since <= page.Head && frame.Since + 1 >= page.First
        && (page.Entries.Length > 0 ? page.Entries[0].Seq == frame.Since + 1 : frame.Since == page.Head);

    private void AnswerJoin(ClientFrame.JoinRoom frame, Seat seat, LogPage? first, (string Epoch, long Seq) head)
    {
        if (first is null)
        {
            seat.Room.Attach(seat, head, at => Joined(frame, seat.Room, at));
            return;
        }

        session.Send(Joined(frame, seat.Room, (first.Epoch, first.Head), frame.Since is null ? null : Recovers(frame, first)));
        BeginAt(seat, first);
        if (!seat.Outbox.IsHalfFull)
            Post(seat, first.Entries);
        if (!seat.Room.TryAttach(seat))
            StartReplay(seat);
    }

    private void StartReplay(Seat seat)
    {
        _turn ??= new SemaphoreSlim(1, 1);
        seat.Replay = new CancellationTokenSource();
        seat.Replaying = ReplayAsync(seat, _turn, seat.Replay.Token);
    }

    /// <summary>Puts the cursor before a page that does not have to follow what the seat has.</summary>
    private static void BeginAt(Seat seat, LogPage page) =>
        (seat.Epoch, seat.Cursor) = (page.Epoch, page.Entries is [var first, ..] ? first.Seq - 1 : page.Head);

    /// <summary>Posts what follows the cursor, as much as half an outbox holds and one entry at least, and moves the cursor behind it.</summary>
    private static void Post(Seat seat, Entry[] entries)
    {
        for (var count = entries.Length; count > 0; count /= 2)
        {
            var frames = LocalRoom.Encode(seat.Room.Name, entries[..count], replay: true);
            if (count > 1 && frames.Length > seat.Outbox.Half)
                continue;
            seat.Outbox.TryPost(frames);
            seat.Cursor = entries[count - 1].Seq;
            return;
        }
    }

    /// <summary>Reads the log from the seat's cursor on until nothing live is ahead of it, never faster than the client reads.</summary>
    private async Task ReplayAsync(Seat seat, SemaphoreSlim turn, CancellationToken stopped)
    {
        var (progressAt, pause) = (parts.Time.GetTimestamp(), TimeSpan.FromMilliseconds(20));
        while (!stopped.IsCancellationRequested)
        {
            var hasTurn = false;
            try
            {
                var waitsFrom = parts.Time.GetTimestamp();
                await turn.WaitAsync(stopped);
                hasTurn = true;
                await seat.Outbox.WaitBelowHalfAsync().WaitAsync(stopped);
                progressAt += parts.Time.GetTimestamp() - waitsFrom;
                var before = (seat.Epoch, seat.Cursor);
                var page = await seat.Room.Grain.Read(seat.Cursor + 1, RoomRepair.Page).WaitAsync(stopped);
                if (page.Epoch != seat.Epoch || page.First > seat.Cursor + 1)
                {
                    page = await seat.Room.Grain.ReadBefore(long.MaxValue, RoomRepair.NewestHistory).WaitAsync(stopped);
                    session.Send(new ServerFrame.RoomJoined(null, seat.Room.Name, seat.Room.Members, page.Head, page.Epoch, Recovered: false));
                    BeginAt(seat, page);
                }

                Post(seat, page.Entries);
                if (seat.Room.TryAttach(seat))
                    return;
                if ((seat.Epoch, seat.Cursor) != before)
                {
                    (progressAt, pause) = (parts.Time.GetTimestamp(), TimeSpan.FromMilliseconds(20));
                    continue;
                }
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (Exception e)
            {
                LogReplayFailed(e, session.ClientId, seat.Room.Name);
            }
            finally
            {
                if (hasTurn)
                    turn.Release();
            }

            if (parts.Time.GetElapsedTime(progressAt) > ReplayPatience)
            {
                session.Connection.Close(CloseCode.InternalError, "The room's log cannot be read");
                return;
            }

            await Task.Delay(pause, parts.Time, stopped).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }
    }

    /// <summary>Takes a seat out of its room. Nothing of the room is posted to it any more when this ends.</summary>
    private static async Task DetachAsync(Seat seat)
    {
        await StopReplayAsync(seat);
        seat.Room.Detach(seat);
    }

    private static async Task StopReplayAsync(Seat seat)
    {
        if (seat.Replay is { } replay)
            await replay.CancelAsync();
        await seat.Replaying;
    }

    private async Task LeaveAsync(Seat seat)
    {
        await DetachAsync(seat);
        await seat.Room.Claim.LeaveAsync(session.UserId).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        parts.Hub.Release(seat.Room);
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "The log of room {Room} could not be replayed to connection {ClientId}; trying again")]
    private partial void LogReplayFailed(Exception e, string clientId, string room);
}
