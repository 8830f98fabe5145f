using OrleansChat.Grains.Interfaces;

namespace OrleansChat.Grains;

/// <summary>What a room takes, and how it says no to a service; a front gets the code alone.</summary>
internal static class PublishCheck
{
    /// <returns>Why the request is refused, or null. What other services send was checked by nobody before.</returns>
    public static ChatError? Refusal(PublishRequest request, int messageChars)
    {
        if (request.Text is { } text && text.Length > messageChars)
            return ChatError.MessageTooLong;
        var fits = request.Text is { Length: > 0 } && request.UserId is { Length: > 0 and <= 128 } && request.Username is { Length: > 0 and <= 128 }
            && request.Id is null or { Length: > 0 and <= 64 };
        return fits ? null : ChatError.InvalidPayload;
    }

    public static ChatException Exception(ChatError error, int messageChars) => error switch
    {
        ChatError.MessageTooLong => new ChatException(error, $"Message too long (max {messageChars} characters)"),
        ChatError.IdConflict => new ChatException(error, "This id was used for another message"),
        ChatError.NotFound => NotFound(),
        ChatError.Unavailable => ChatException.Unavailable(),
        _ => new ChatException(error, "userId and username must have 1 to 128 characters, message at least 1, id 1 to 64"),
    };

    public static ChatException NotFound() => new(ChatError.NotFound, "No such room");
}
