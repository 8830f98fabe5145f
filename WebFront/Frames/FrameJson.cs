using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace OrleansChat.WebFront.Frames;

/// <summary>The source-generated JSON of all frames: strict, camel case, nulls left out, letters of all scripts as they are.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    NumberHandling = JsonNumberHandling.Strict,
    AllowDuplicateProperties = false)]
[JsonSerializable(typeof(ServerFrame))]
[JsonSerializable(typeof(JoinPayload))]
[JsonSerializable(typeof(RoomPayload))]
[JsonSerializable(typeof(MessagePayload))]
[JsonSerializable(typeof(TypingPayload))]
[JsonSerializable(typeof(HistoryPayload))]
[JsonSerializable(typeof(MembersPayload))]
[JsonSerializable(typeof(TokenPayload))]
[JsonSerializable(typeof(BroadcastPayload))]
internal sealed partial class FrameJson : JsonSerializerContext
{
    /// <summary>JSON that goes over a socket and not into a page needs no escapes beyond JSON's own.</summary>
    public static FrameJson Wire => field ??= new(new JsonSerializerOptions(Default.GeneratedSerializerOptions!) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
}

// Payloads as they come: everything may be missing. FrameCodec says what must not.
internal sealed record JoinPayload(string? Room, long? Since, string? Epoch, int? History);

internal sealed record RoomPayload(string? Room);

internal sealed record TypingPayload(string? Room, bool? IsTyping);

internal sealed record HistoryPayload(string? Room, long? Before, long? After, int? Limit);

internal sealed record MembersPayload(string? Room, string? After, int? Limit);

internal sealed record TokenPayload(string? Token);

internal sealed record BroadcastPayload(string? Message, string[]? IncludeIds, string[]? ExcludeIds);
