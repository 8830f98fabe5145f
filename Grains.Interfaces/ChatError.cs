namespace OrleansChat.Grains.Interfaces;

/// <summary>Why a request was refused. Numbers travel between processes: they are never reused.</summary>
[GenerateSerializer, Alias("chat.error")]
public enum ChatError
{
    /// <summary>Not a frame: no JSON object, no type, a bad id. Repeating it does not help.</summary>
    InvalidMessage = 1,

    /// <summary>A frame type that this version does not know.</summary>
    UnknownType = 2,

    /// <summary>A field is missing, of another type or out of range; the text names it.</summary>
    InvalidPayload = 3,

    /// <summary>The text has more UTF-16 code units than <c>Chat:MessageChars</c>.</summary>
    MessageTooLong = 4,

    /// <summary>The same user used this id for another text.</summary>
    IdConflict = 5,

    /// <summary>The session has not joined the room.</summary>
    NotInRoom = 6,

    /// <summary>The room has <c>Chat:MembersPerRoom</c> members.</summary>
    RoomFull = 7,

    /// <summary>The connection is in <c>Chat:RoomsPerConnection</c> rooms.</summary>
    TooManyRooms = 8,

    /// <summary>The role is missing.</summary>
    Forbidden = 9,

    /// <summary>Banned from the room.</summary>
    Banned = 10,

    /// <summary>Muted in the room.</summary>
    Muted = 11,

    /// <summary>Too much in too short a time; try again after the time given.</summary>
    RateLimited = 12,

    /// <summary>There is no such thing.</summary>
    NotFound = 13,

    /// <summary>The outcome is not known. Retry with the same id: it cannot take effect twice.</summary>
    Unavailable = 14,

    /// <summary>A fault of the server; its log has the detail.</summary>
    Internal = 15,
}

/// <summary>A refusal that crosses process borders: a code for programs, a text for people.</summary>
[GenerateSerializer, Alias("chat.exception")]
public sealed class ChatException : Exception
{
    /// <summary>A refusal.</summary>
    /// <param name="error">The code.</param>
    /// <param name="message">A text that may be shown to the user: it holds nothing of the server's inside.</param>
    public ChatException(ChatError error, string message)
        : base(message) => Error = error;

    /// <summary>A failure turned into a refusal, its cause kept.</summary>
    public ChatException(ChatError error, string message, Exception? cause)
        : base(message, cause) => Error = error;

    /// <summary>The code.</summary>
    [Id(0)]
    public ChatError Error { get; }

    /// <summary>For <see cref="ChatError.RateLimited"/>: when to try again.</summary>
    [Id(1)]
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>The text of every <see cref="ChatError.Unavailable"/>.</summary>
    public static ChatException Unavailable(Exception? cause = null) =>
        new(ChatError.Unavailable, "The server could not confirm this in time: try again with the same id", cause);
}
