using OrleansChat.Grains.Interfaces;

namespace OrleansChat.Grains;

/// <summary>What may be published, whoever asks, and what a service is told when it may not.</summary>
internal static class PublishRules
{
    /// <returns>Null where the request fits.</returns>
    public static ChatError? Check(PublishRequest request, int messageChars)
    {
        if (request.Text is { } text && text.Length > messageChars)
            return ChatError.MessageTooLong;
        var fits = request.Text is { Length: > 0 } && request.UserId is { Length: > 0 and <= 128 } && request.Username is { Length: > 0 and <= 128 }
            && request.Id is null or { Length: > 0 and <= 64 };
        return fits ? null : ChatError.InvalidPayload;
    }

    /// <summary>A refusal in words.</summary>
    public static ChatException Refusal(ChatError error, int messageChars) => error switch
    {
        ChatError.MessageTooLong => new(error, FormattableString.Invariant($"Message too long (max {messageChars} characters)")),
        ChatError.IdConflict => new(error, "This id was used for another message"),
        ChatError.NotFound => new(error, "No such room"),
        ChatError.Unavailable => ChatException.Unavailable(),
        _ => new(error, "userId and username must have 1 to 128 characters, message at least 1, id 1 to 64"),
    };
}
