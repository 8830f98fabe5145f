using OrleansChat.Grains.Interfaces;

namespace OrleansChat.WebFront.Frames;

/// <summary>What a client says: a closed set, checked for shape and range by <see cref="FrameCodec"/>.</summary>
/// <param name="Id">The client's name for the request, 1–64 characters; it comes back in the answer.</param>
internal abstract record ClientFrame(string? Id)
{
    /// <summary>What does not fit: answered with an error, and the connection goes on.</summary>
    public sealed record Invalid(string? Id, ChatError Error, string Text) : ClientFrame(Id);

    /// <summary>At most one of <paramref name="Since"/> (with <paramref name="Epoch"/>) and <paramref name="History"/> is set.</summary>
    public sealed record JoinRoom(string? Id, string Room, long? Since, string? Epoch, int? History) : ClientFrame(Id);

    public sealed record LeaveRoom(string? Id, string Room) : ClientFrame(Id);

    public sealed record ChatMessage(string? Id, string Room, string Message) : ClientFrame(Id);

    public sealed record Typing(string? Id, string Room, bool IsTyping) : ClientFrame(Id);

    /// <summary>At most one of <paramref name="Before"/> and <paramref name="After"/> is set.</summary>
    public sealed record ReadHistory(string? Id, string Room, long? Before, long? After, int Limit) : ClientFrame(Id);

    public sealed record ListMembers(string? Id, string Room, string? After, int Limit) : ClientFrame(Id);

    public sealed record RefreshToken(string? Id, string Token) : ClientFrame(Id);

    public sealed record Broadcast(string? Id, string Message, string[] IncludeIds, string[] ExcludeIds) : ClientFrame(Id);

    public sealed record Ping(string? Id) : ClientFrame(Id);

    public sealed record Pong() : ClientFrame((string?)null);
}
