using Microsoft.Extensions.Options;
using OrleansChat.Grains.Interfaces;
using OrleansChat.WebFront.Auth;
using OrleansChat.WebFront.Frames;
using OrleansChat.WebFront.Rooms;
using OrleansChat.WebFront.Sockets;

namespace OrleansChat.WebFront;

/// <summary>One user on one connection: frame → grain call → answer. Frames are taken one after the other; what was published is confirmed as the log confirms it.</summary>
internal sealed partial class Session
{
    /// <summary>Messages that one connection may have on their way: one more waits, and with it the reading of the socket.</summary>
    private const int MaxInFlight = 1_024;

    private const int MaxRefusals = 50;
    private static readonly TimeSpan RefusalWindow = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan ExpiryWarning = TimeSpan.FromSeconds(60);

    private readonly SessionParts _parts;
    private readonly ILogger _logger;
    private Queue<long>? _refusals;
    private TokenBucket _bucket;
    private int _inFlight;
    private TaskCompletionSource? _place;
    private volatile Identity _identity;
    private volatile bool _isWarned;

    public Session(Connection connection, Identity identity, SessionParts parts)
    {
        (Connection, _identity) = (connection, identity);
        (_parts, _logger) = (parts, parts.Logger);
        _bucket = new TokenBucket(parts.Options.Value.MessagesPerSecond, parts.Options.Value.MessageBurst, parts.Time);
        Rooms = new SessionRooms(this, parts);
    }

    public Connection Connection { get; }

    public SessionRooms Rooms { get; }

    public string ClientId => Connection.ClientId;

    public string UserId => _identity.UserId;

    public string Username => _identity.Username;

    private long Now => _parts.Time.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>Sends a frame.</summary>
    /// <param name="frame">The frame.</param>
    /// <param name="mayWait">For something else that goes out to this client, see <see cref="Outbox.TryPost"/>.</param>
    public void Send(ServerFrame frame, bool mayWait = false) => Connection.Outbox.TryPost(WireFrame.Encode(frame), mayWait: mayWait);

    /// <summary>Sends what the client asked for, when it has read enough of what came before: only what nobody asked for can overflow its outbox.</summary>
    public async ValueTask SendLargeAsync(ServerFrame frame)
    {
        await Connection.Outbox.WaitBelowHalfAsync();
        Send(frame);
    }

    /// <summary>Takes one message from the socket. A frame that cannot be served is answered with an error; the connection goes on.</summary>
    public async ValueTask ReceiveAsync(ReadOnlyMemory<byte> message)
    {
        var frame = _parts.Codec.Decode(message.Span);
        if (frame is ClientFrame.Pong || !TryTakeToken(frame.Id))
            return;
        try
        {
            await HandleAsync(frame);
        }
        catch (ChatException refusal)
        {
            SendError(frame.Id, refusal.Error, refusal.Message, refusal.RetryAfter);
        }
        catch (Exception e) when (e is TimeoutException or OrleansException)
        {
            LogUnanswered(e, ClientId);
            SendError(frame.Id, ChatError.Unavailable, ChatException.Unavailable().Message);
        }
        catch (Exception e)
        {
            var reference = Guid.NewGuid().ToString("N")[..8];
            LogFailed(e, ClientId, reference);
            SendError(frame.Id, ChatError.Internal, $"Internal server error (reference {reference})");
        }
    }

    /// <summary>Looks at the clock: warns of a token that runs out, and closes when it has. Called for all sessions in turn by <see cref="Heartbeat"/>.</summary>
    public void Beat(DateTimeOffset now)
    {
        var expiresAt = _identity.ExpiresAt;
        if (now >= expiresAt)
        {
            Connection.Close(CloseCode.TokenExpired, "The token ran out");
        }
        else if (!_isWarned && expiresAt - now <= ExpiryWarning)
        {
            _isWarned = true;
            Send(new ServerFrame.TokenExpiring(expiresAt.ToUnixTimeMilliseconds()));
        }
    }

    /// <summary>The connection is gone: so is the user from its rooms, where it was the last one. The user's lease is the affair of who asked for it.</summary>
    public Task EndAsync() => Rooms.LeaveAllAsync();

    /// <summary>What became of a message: answered where it had an id, or went wrong.</summary>
    public void OnPublished(PendingMessage message, PublishAnswer answer)
    {
        if (answer.Error is { } error)
            SendError(message.Request.Id, error, TextOf(error), room: message.Room);
        else if (message.Request.Id is { } id)
            Send(new ServerFrame.Ack(id, message.Room, answer.Seq, answer.Timestamp, answer.Duplicate ? true : null), mayWait: true);
        if (Interlocked.Decrement(ref _inFlight) < MaxInFlight)
            Interlocked.Exchange(ref _place, null)?.TrySetResult();
    }

    private ValueTask HandleAsync(ClientFrame frame)
    {
        switch (frame)
        {
            case ClientFrame.ChatMessage message:
                return PublishAsync(message);
            case ClientFrame.Typing typing:
                return TypeAsync(typing);
            case ClientFrame.JoinRoom join:
                return Rooms.JoinAsync(join);
            case ClientFrame.LeaveRoom leave:
                return Rooms.LeaveAsync(leave);
            case ClientFrame.ReadHistory history:
                return Rooms.HistoryAsync(history);
            case ClientFrame.ListMembers members:
                return MembersAsync(members);
            case ClientFrame.RefreshToken refresh:
                return RefreshTokenAsync(refresh);
            case ClientFrame.Broadcast broadcast:
                return BroadcastAsync(broadcast);
            case ClientFrame.Ping ping:
                Send(new ServerFrame.Pong(ping.Id, Now));
                return ValueTask.CompletedTask;
            case ClientFrame.Invalid invalid:
                SendError(invalid.Id, invalid.Error, invalid.Text);
                return ValueTask.CompletedTask;
            default:
                throw new NotSupportedException($"No handler for {frame.GetType().Name}.");
        }
    }

    private ValueTask PublishAsync(ClientFrame.ChatMessage frame)
    {
        var seat = Rooms.Seat(frame.Room);
        seat.OnSpoke();
        var count = Interlocked.Increment(ref _inFlight);
        seat.Room.Publisher.Publish(new PendingMessage(this, frame.Room, new PublishRequest(UserId, Username, frame.Message, frame.Id), _parts.Time.GetTimestamp()));
        return count < MaxInFlight ? ValueTask.CompletedTask : WaitForPlaceAsync();
    }

    private async ValueTask WaitForPlaceAsync()
    {
        var place = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        // A full fence: the look at the count must not come before the write is seen, or the last answer wakes nobody.
        Interlocked.Exchange(ref _place, place);
        if (Volatile.Read(ref _inFlight) >= MaxInFlight)
            await place.Task;
    }

    private async ValueTask TypeAsync(ClientFrame.Typing frame)
    {
        await Rooms.Seat(frame.Room).Room.Grain.Type(UserId, Username, frame.IsTyping);
        if (frame.Id is not null)
            Send(new ServerFrame.Ack(frame.Id, frame.Room, null, Now, null));
    }

    private async ValueTask MembersAsync(ClientFrame.ListMembers frame)
    {
        var page = await Rooms.Seat(frame.Room).Room.Grain.Members(frame.After, frame.Limit);
        var users = Array.ConvertAll(page.Users, user => new MemberUser(user.UserId, user.Username, user.Connections));
        await SendLargeAsync(new ServerFrame.MemberList(frame.Id, frame.Room, page.Count, users, page.More));
    }

    private async ValueTask RefreshTokenAsync(ClientFrame.RefreshToken frame)
    {
        var reading = await _parts.Tokens.ReadAsync(frame.Token, CancellationToken.None);
        if (!reading.IsGood)
            throw new ChatException(reading.Refusal == TokenRefusal.KeysUnavailable ? ChatError.Unavailable : ChatError.InvalidPayload, "Invalid payload: 'token' is not a valid token");
        if (reading.Identity.UserId != UserId)
            throw new ChatException(ChatError.Forbidden, "The token is another user's");
        _identity = reading.Identity;
        _isWarned = false;
        Send(new ServerFrame.TokenRefreshed(frame.Id, reading.Identity.ExpiresAt.ToUnixTimeMilliseconds()));
    }

    private async ValueTask BroadcastAsync(ClientFrame.Broadcast frame)
    {
        if (!_identity.Roles.Contains(Role.Admin))
            throw new ChatException(ChatError.Forbidden, "Only an admin may broadcast");
        await _parts.Grains.GetGrain<IFrontsGrain>(IFrontsGrain.Key).Broadcast(new Broadcast(UserId, frame.Message, frame.IncludeIds, frame.ExcludeIds));
        Send(new ServerFrame.Ack(frame.Id, null, null, Now, null));
    }

    private bool TryTakeToken(string? id)
    {
        if (_bucket.TryTake(out var retryAfter))
            return true;
        var now = _parts.Time.GetTimestamp();
        _refusals ??= [];
        _refusals.Enqueue(now);
        while (_parts.Time.GetElapsedTime(_refusals.Peek(), now) > RefusalWindow)
            _refusals.Dequeue();
        SendError(id, ChatError.RateLimited, "Too many messages: slow down", retryAfter);
        if (_refusals.Count >= MaxRefusals)
            Connection.Close(CloseCode.PolicyViolation, "Rate limit");
        return false;
    }

    private void SendError(string? id, ChatError error, string text, TimeSpan? retryAfter = null, string? room = null)
    {
        var milliseconds = retryAfter is { } wait ? Math.Max(1, (long)Math.Ceiling(wait.TotalMilliseconds)) : (long?)null;
        Send(new ServerFrame.Error(text, ErrorTexts.Code(error), id, milliseconds, room));
    }

    private string TextOf(ChatError error) => error switch
    {
        ChatError.IdConflict => "This id was used for another message",
        ChatError.MessageTooLong => ErrorTexts.MessageTooLong(_parts.Codec.MessageChars),
        ChatError.NotFound => "No such room",
        ChatError.Unavailable => ChatException.Unavailable().Message,
        _ => "The message was refused",
    };

    [LoggerMessage(Level = LogLevel.Debug, Message = "A request of connection {ClientId} was not answered in time")]
    private partial void LogUnanswered(Exception e, string clientId);

    [LoggerMessage(Level = LogLevel.Error, Message = "A frame of connection {ClientId} failed (reference {Reference})")]
    private partial void LogFailed(Exception e, string clientId, string reference);
}

/// <summary>What every session of a front shares.</summary>
internal sealed record SessionParts(
    FrontHub Hub, FrameCodec Codec, TokenReader Tokens, IGrainFactory Grains, IOptions<FrontOptions> Options, TimeProvider Time, ILogger<Session> Logger);
