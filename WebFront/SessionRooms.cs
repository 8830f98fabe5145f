using OrleansChat.Grains.Interfaces;
using OrleansChat.WebFront.Frames;
using OrleansChat.WebFront.Rooms;
using OrleansChat.WebFront.Sockets;

namespace OrleansChat.WebFront;

/// <summary>The rooms of one session: joining, leaving, looking back. The receive loop alone calls it.</summary>
internal sealed partial class SessionRooms(Session session, FrontHub hub, int limit, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(2);

    /// <summary>A replay that cannot read the log for as long closes its connection with 1011: the client comes back and recovers.</summary>
    private static readonly TimeSpan ReplayPatience = TimeSpan.FromSeconds(60);

    private readonly Dictionary<string, Seat> _seats = new(StringComparer.Ordinal);

    /// <exception cref="ChatException"><see cref="ChatError.NotInRoom"/>.</exception>
    public Seat Seat(string room) =>
        _seats.TryGetValue(room, out var seat) ? seat : throw new ChatException(ChatError.NotInRoom, "You are not in this room: join it first");

    public async ValueTask JoinAsync(ClientFrame.JoinRoom frame)
    {
        if (_seats.TryGetValue(frame.Room, out var seat))
        {
            await seat.Room.Claim.RenewAsync();
            if (frame is { Since: null, History: null })
            {
                var (epoch, seq) = seat.Room.Position;
                session.Send(new ServerFrame.RoomJoined(frame.Id, frame.Room, seat.Room.Members, seq, epoch, null));
                return;
            }

            AnswerJoin(frame, seat, await FirstPageAsync(frame, seat.Room));
            return;
        }

        if (_seats.Count >= limit)
            throw new ChatException(ChatError.TooManyRooms, FormattableString.Invariant($"Too many rooms (max {limit})"));
        var room = hub.Hold(frame.Room);
        long revision;
        try
        {
            revision = (await room.Claim.JoinAsync(session.UserId, session.Username)).Revision;
        }
        catch
        {
            hub.Release(room);
            throw;
        }

        seat = new Seat(room, session.UserId, session.Connection.Outbox) { Revision = revision };
        try
        {
            AnswerJoin(frame, seat, await FirstPageAsync(frame, room));
        }
        catch
        {
            _ = LeaveAsync(seat);
            throw;
        }

        _seats[frame.Room] = seat;
    }

    public async ValueTask LeaveAsync(ClientFrame.LeaveRoom frame)
    {
        var seat = Seat(frame.Room);
        _seats.Remove(frame.Room);
        await LeaveAsync(seat);
        session.Send(new ServerFrame.RoomLeft(frame.Id, frame.Room));
    }

    public async Task LeaveAllAsync()
    {
        var seats = _seats.Values.ToList();
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
        session.Send(new ServerFrame.HistoryPage(frame.Id, frame.Room, page.Epoch, messages, more));
    }

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

    private void AnswerJoin(ClientFrame.JoinRoom frame, Seat seat, LogPage? first)
    {
        seat.Replay?.Cancel();
        seat.Room.Detach(seat);
        if (first is null)
        {
            seat.Room.Attach(seat, at => new ServerFrame.RoomJoined(frame.Id, frame.Room, seat.Room.Members, at.Seq, at.Epoch, null));
            return;
        }

        var recovered = frame.Since is null ? (bool?)null : Recovers(frame, first);
        session.Send(new ServerFrame.RoomJoined(frame.Id, frame.Room, seat.Room.Members, first.Head, first.Epoch, recovered));
        Post(seat, first, from: recovered == true ? frame.Since!.Value + 1 : 0);
        if (seat.Room.TryAttach(seat, first.Epoch))
            return;
        seat.Replay = new CancellationTokenSource();
        _ = ReplayAsync(seat, first.Epoch, seat.Replay.Token);
    }

    /// <summary>Posts a page of the log and moves the cursor behind it.</summary>
    private static void Post(Seat seat, LogPage page, long from)
    {
        if (page.Entries is [.., var last])
        {
            seat.Outbox.TryPost(LocalRoom.Encode(seat.Room.Name, page.Entries, replay: true));
            seat.Cursor = last.Seq;
        }
        else
        {
            seat.Cursor = Math.Max(from - 1, page.Head);
        }
    }

    /// <summary>Reads the log from the seat's cursor on until nothing live is ahead of it, never faster than the client reads.</summary>
    private async Task ReplayAsync(Seat seat, string epoch, CancellationToken stopped)
    {
        var (progressAt, pause) = (time.GetTimestamp(), TimeSpan.FromMilliseconds(20));
        while (!stopped.IsCancellationRequested)
        {
            try
            {
                await seat.Outbox.WaitBelowHalfAsync().WaitAsync(stopped);
                var page = await seat.Room.Grain.Read(seat.Cursor + 1, RoomRepair.Page);
                if (page.Epoch != epoch || page.First > seat.Cursor + 1)
                {
                    page = await seat.Room.Grain.ReadBefore(long.MaxValue, RoomRepair.NewestHistory);
                    epoch = page.Epoch;
                    session.Send(new ServerFrame.RoomJoined(null, seat.Room.Name, seat.Room.Members, page.Head, epoch, Recovered: false));
                }

                stopped.ThrowIfCancellationRequested();
                var before = seat.Cursor;
                Post(seat, page, from: seat.Cursor + 1);
                if (seat.Room.TryAttach(seat, epoch))
                {
                    if (stopped.IsCancellationRequested)
                        seat.Room.Detach(seat);
                    return;
                }

                if (seat.Cursor != before)
                {
                    (progressAt, pause) = (time.GetTimestamp(), TimeSpan.FromMilliseconds(20));
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

            if (time.GetElapsedTime(progressAt) > ReplayPatience)
            {
                session.Connection.Close(CloseCode.InternalError, "The room's log cannot be read");
                return;
            }

            await Task.Delay(pause, time, stopped).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }
    }

    private async Task LeaveAsync(Seat seat)
    {
        seat.Replay?.Cancel();
        seat.Room.Detach(seat);
        await seat.Room.Claim.LeaveAsync(session.UserId).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        hub.Release(seat.Room);
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "The log of room {Room} could not be replayed to connection {ClientId}; trying again")]
    private partial void LogReplayFailed(Exception e, string clientId, string room);
}
