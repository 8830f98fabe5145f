using System.Text.Json.Serialization;

namespace OrleansChat.WebFront.Frames;

/// <summary>What the server says: a closed set. A property that is null is left out.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(Connected), "connected")]
[JsonDerivedType(typeof(RoomJoined), "room_joined")]
[JsonDerivedType(typeof(RoomLeft), "room_left")]
[JsonDerivedType(typeof(UserJoined), "user_joined")]
[JsonDerivedType(typeof(UserLeft), "user_left")]
[JsonDerivedType(typeof(Occupancy), "occupancy")]
[JsonDerivedType(typeof(ChatMessage), "chat_message")]
[JsonDerivedType(typeof(Typing), "typing")]
[JsonDerivedType(typeof(Ack), "ack")]
[JsonDerivedType(typeof(HistoryPage), "history")]
[JsonDerivedType(typeof(MemberList), "members")]
[JsonDerivedType(typeof(TokenExpiring), "token_expiring")]
[JsonDerivedType(typeof(TokenRefreshed), "token_refreshed")]
[JsonDerivedType(typeof(Broadcast), "broadcast")]
[JsonDerivedType(typeof(Ping), "ping")]
[JsonDerivedType(typeof(Pong), "pong")]
[JsonDerivedType(typeof(Reconnect), "reconnect")]
[JsonDerivedType(typeof(Error), "error")]
internal abstract record ServerFrame
{
    private ServerFrame()
    {
    }

    public sealed record Connected(
        string ClientId, string UserId, string Username, long Timestamp, int Protocol, HeartbeatTimes Heartbeat, long ExpiresAt, FrameLimits Limits) : ServerFrame;

    public sealed record RoomJoined(string? Id, string Room, int Members, long Seq, string Epoch, bool? Recovered) : ServerFrame;

    public sealed record RoomLeft(string? Id, string Room) : ServerFrame;

    public sealed record UserJoined(string Room, string UserId, string Username, int Members, long Timestamp) : ServerFrame;

    public sealed record UserLeft(string Room, string UserId, string Username, int Members, long Timestamp) : ServerFrame;

    public sealed record Occupancy(string Room, int Members) : ServerFrame;

    public sealed record ChatMessage(string Room, long Seq, string UserId, string Username, string Message, long Timestamp, bool? Replay) : ServerFrame;

    public sealed record Typing(string Room, string UserId, string Username, bool IsTyping) : ServerFrame;

    public sealed record Ack(string? Id, string? Room, long? Seq, long Timestamp, bool? Duplicate) : ServerFrame;

    public sealed record HistoryPage(string? Id, string Room, string Epoch, IReadOnlyList<HistoryMessage> Messages, bool More) : ServerFrame;

    public sealed record MemberList(string? Id, string Room, int Members, IReadOnlyList<MemberUser> Users, bool More) : ServerFrame;

    public sealed record TokenExpiring(long ExpiresAt) : ServerFrame;

    public sealed record TokenRefreshed(string? Id, long ExpiresAt) : ServerFrame;

    public sealed record Broadcast(string From, string Message, long Timestamp) : ServerFrame;

    public sealed record Ping(long Timestamp) : ServerFrame;

    public sealed record Pong(string? Id, long Timestamp) : ServerFrame;

    public sealed record Reconnect(long After, string Reason) : ServerFrame;

    public sealed record Error([property: JsonPropertyName("error")] string Text, string Code, string? Id, long? RetryAfter, string? Room) : ServerFrame;
}

/// <summary>Milliseconds.</summary>
internal sealed record HeartbeatTimes(long Interval, long Timeout);

/// <summary>What <c>connected</c> tells of the limits.</summary>
internal sealed record FrameLimits(int FrameBytes, int MessageChars, int RoomsPerConnection);

/// <summary>A message inside <c>history</c>: each as in <c>chat_message</c>.</summary>
internal sealed record HistoryMessage(string Type, string Room, long Seq, string UserId, string Username, string Message, long Timestamp);

/// <summary>A user inside <c>members</c>.</summary>
internal sealed record MemberUser(string UserId, string Username, int Connections);
