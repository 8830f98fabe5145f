using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.Extensions.Options;
using OrleansChat.Grains.Interfaces;

namespace OrleansChat.WebFront.Frames;

/// <summary>Bytes ↔ frames. The only place that knows it is JSON.</summary>
internal sealed class FrameCodec(IOptions<FrontOptions> options)
{
    private const int MaxDepth = 32;
    private const int MaxIdLength = 64;
    private const int MaxTargets = 1_000;
    private const int DefaultPage = 50;
    private const int MaxPage = 200;

    /// <summary>One more must still be a seq: what follows the largest number is the smallest.</summary>
    private const long MaxSeq = long.MaxValue - 1;

    /// <summary>The longest text, in UTF-16 code units.</summary>
    public int MessageChars { get; } = options.Value.MessageChars;

    /// <summary>Reads what a client sent. Never throws: what does not fit is a <see cref="ClientFrame.Invalid"/>.</summary>
    public ClientFrame Decode(ReadOnlySpan<byte> json)
    {
        Envelope envelope;
        try
        {
            envelope = ReadEnvelope(json);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return new ClientFrame.Invalid(null, ChatError.InvalidMessage, ErrorTexts.InvalidMessage);
        }

        if (envelope.Type is not { } type || envelope.HasBadId)
            return new ClientFrame.Invalid(envelope.Id, ChatError.InvalidMessage, ErrorTexts.InvalidMessage);
        try
        {
            return ReadFrame(type, envelope.Id, envelope.Payload);
        }
        catch (FieldException e)
        {
            return new ClientFrame.Invalid(envelope.Id, e.Error, e.Message);
        }
        catch (JsonException e)
        {
            return new ClientFrame.Invalid(envelope.Id, ChatError.InvalidPayload, ErrorTexts.BadField(FieldOf(e)));
        }
    }

    private ClientFrame ReadFrame(string type, string? id, ReadOnlySpan<byte> payload)
    {
        switch (type)
        {
            case "join_room":
                return Join(id, Payload(payload, FrameJson.Default.JoinPayload));
            case "leave_room":
                return new ClientFrame.LeaveRoom(id, Room(Payload(payload, FrameJson.Default.RoomPayload).Room));
            case "chat_message":
                var message = MessagePayload.Read(Object(payload));
                return new ClientFrame.ChatMessage(id, Room(message.Room), Text(message.Message));
            case "typing":
                var typing = Payload(payload, FrameJson.Default.TypingPayload);
                return new ClientFrame.Typing(id, Room(typing.Room), typing.IsTyping ?? throw new FieldException("isTyping"));
            case "history":
                return History(id, Payload(payload, FrameJson.Default.HistoryPayload));
            case "members":
                var members = Payload(payload, FrameJson.Default.MembersPayload);
                return new ClientFrame.ListMembers(id, Room(members.Room), members.After is null or { Length: > 0 and <= 128 } ? members.After : throw new FieldException("after"), Limit(members.Limit));
            case "refresh_token":
                return new ClientFrame.RefreshToken(id, Payload(payload, FrameJson.Default.TokenPayload).Token is { Length: > 0 } token ? token : throw new FieldException("token"));
            case "broadcast":
                var broadcast = Payload(payload, FrameJson.Default.BroadcastPayload);
                return new ClientFrame.Broadcast(id, Text(broadcast.Message), Targets(broadcast.IncludeIds, "includeIds"), Targets(broadcast.ExcludeIds, "excludeIds"));
            case "ping":
                return new ClientFrame.Ping(id);
            case "pong":
                return new ClientFrame.Pong();
            default:
                return new ClientFrame.Invalid(id, ChatError.UnknownType, ErrorTexts.UnknownType(type));
        }
    }

    private static ClientFrame.JoinRoom Join(string? id, JoinPayload payload)
    {
        var room = Room(payload.Room);
        if (payload.Since is < 0 or > MaxSeq)
            throw new FieldException("since");
        if (payload.Since.HasValue && payload.Epoch is null)
            throw new FieldException("epoch");
        if (payload.Epoch is { Length: > 64 })
            throw new FieldException("epoch");
        if (payload.History is < 0 or > MaxPage || (payload.History.HasValue && payload.Since.HasValue))
            throw new FieldException("history");
        return new ClientFrame.JoinRoom(id, room, payload.Since, payload.Epoch, payload.History);
    }

    private static ClientFrame.ReadHistory History(string? id, HistoryPayload payload)
    {
        var room = Room(payload.Room);
        if (payload.Before is < 1)
            throw new FieldException("before");
        if (payload.After is < 0 or > MaxSeq || (payload.After.HasValue && payload.Before.HasValue))
            throw new FieldException("after");
        return new ClientFrame.ReadHistory(id, room, payload.Before, payload.After, Limit(payload.Limit));
    }

    private static string Room(string? room) => RoomName.IsValid(room) ? room! : throw new FieldException("room");

    private string Text(string? text)
    {
        if (text is not { Length: > 0 })
            throw new FieldException("message");
        return text.Length <= MessageChars ? text : throw new FieldException("message", ChatError.MessageTooLong, ErrorTexts.MessageTooLong(MessageChars));
    }

    private static int Limit(int? limit) => limit is null or (>= 1 and <= MaxPage) ? limit ?? DefaultPage : throw new FieldException("limit");

    private static string[] Targets(string[]? ids, string field) =>
        ids is null ? [] : ids.Length <= MaxTargets && Array.TrueForAll(ids, id => id is { Length: > 0 and <= 128 }) ? ids : throw new FieldException(field);

    private static T Payload<T>(ReadOnlySpan<byte> json, JsonTypeInfo<T> type)
        where T : class
        => JsonSerializer.Deserialize(Object(json), type) ?? throw new FieldException("payload");

    private static ReadOnlySpan<byte> Object(ReadOnlySpan<byte> json) => json is [(byte)'{', ..] ? json : throw new FieldException("payload");

    /// <summary>The first name in a path such as <c>$.includeIds[0]</c>.</summary>
    private static string FieldOf(JsonException e) =>
        e.Path is ['$', '.', .. var path] ? path.Split('.', '[')[0] : "payload";

    private static Envelope ReadEnvelope(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = MaxDepth });
        var envelope = default(Envelope);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            throw new JsonException();
        var (hasType, hasId, hasPayload) = (false, false, false);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("type"u8))
            {
                Once(ref hasType);
                reader.Read();
                envelope.Type = TypeOf(reader);
            }
            else if (reader.ValueTextEquals("id"u8))
            {
                Once(ref hasId);
                reader.Read();
                if (reader.TokenType == JsonTokenType.String && reader.GetString() is { Length: > 0 and <= MaxIdLength } id)
                    envelope.Id = id;
                else
                    envelope.HasBadId = reader.TokenType != JsonTokenType.Null;
            }
            else if (reader.ValueTextEquals("payload"u8))
            {
                Once(ref hasPayload);
                reader.Read();
                var start = (int)reader.TokenStartIndex;
                reader.Skip();
                envelope.Payload = json[start..(int)reader.BytesConsumed];
                continue;
            }
            else
            {
                reader.Read();
            }

            reader.Skip();
        }

        // Reads on to the end, which throws where something follows the object.
        if (reader.Read())
            throw new JsonException();
        return envelope;
    }

    /// <summary>Nearly all are messages: no text is made for their type.</summary>
    private static string? TypeOf(in Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.String)
            return null;
        return reader.ValueTextEquals("chat_message"u8) ? "chat_message" : reader.GetString();
    }

    private static void Once(ref bool seen) => seen = !seen ? true : throw new JsonException();

    private ref struct Envelope
    {
        public string? Type;
        public string? Id;
        public bool HasBadId;
        public ReadOnlySpan<byte> Payload;
    }

    /// <summary>A field that is missing or out of range; never leaves this class.</summary>
    private sealed class FieldException(string field, ChatError error = ChatError.InvalidPayload, string? text = null) : Exception(text ?? ErrorTexts.BadField(field))
    {
        public ChatError Error => error;
    }
}
