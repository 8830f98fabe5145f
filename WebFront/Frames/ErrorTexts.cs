using OrleansChat.Grains.Interfaces;

namespace OrleansChat.WebFront.Frames;

/// <summary>Codes and texts of <c>error</c> frames. The tutorial's three texts stay word for word.</summary>
internal static class ErrorTexts
{
    public const string InvalidMessage = "Invalid message format";

    public static string UnknownType(string type) => $"Unknown message type: {(type.Length <= 64 ? type : type[..(char.IsHighSurrogate(type[63]) ? 63 : 64)] + "…")}";

    public static string MessageTooLong(int limit) => FormattableString.Invariant($"Message too long (max {limit} characters)");

    public static string BadField(string field) => $"Invalid payload: '{field}' is missing, of another type or out of range";

    /// <summary>What a refusal is called on the wire.</summary>
    public static string Code(ChatError error) => error switch
    {
        ChatError.InvalidMessage => "invalid_message",
        ChatError.UnknownType => "unknown_type",
        ChatError.InvalidPayload => "invalid_payload",
        ChatError.MessageTooLong => "message_too_long",
        ChatError.IdConflict => "id_conflict",
        ChatError.NotInRoom => "not_in_room",
        ChatError.RoomFull => "room_full",
        ChatError.TooManyRooms => "too_many_rooms",
        ChatError.Forbidden => "forbidden",
        ChatError.Banned => "banned",
        ChatError.Muted => "muted",
        ChatError.RateLimited => "rate_limited",
        ChatError.NotFound => "not_found",
        ChatError.Unavailable => "unavailable",
        _ => "internal",
    };
}
