using System.Text.Json;

namespace OrleansChat.WebFront.Frames;

/// <summary>Frames as JSON. The two that go with every message are written by hand, to the letter as <see cref="FrameJson"/> would: it allocates 650 bytes for each.</summary>
internal static class FrameWriter
{
    private static readonly JsonEncodedText Type = JsonEncodedText.Encode("type");
    private static readonly JsonEncodedText Id = JsonEncodedText.Encode("id");
    private static readonly JsonEncodedText Room = JsonEncodedText.Encode("room");
    private static readonly JsonEncodedText Seq = JsonEncodedText.Encode("seq");
    private static readonly JsonEncodedText UserId = JsonEncodedText.Encode("userId");
    private static readonly JsonEncodedText Username = JsonEncodedText.Encode("username");
    private static readonly JsonEncodedText Message = JsonEncodedText.Encode("message");
    private static readonly JsonEncodedText Timestamp = JsonEncodedText.Encode("timestamp");
    private static readonly JsonEncodedText Replay = JsonEncodedText.Encode("replay");
    private static readonly JsonEncodedText Duplicate = JsonEncodedText.Encode("duplicate");
    private static readonly JsonEncodedText ChatMessage = JsonEncodedText.Encode("chat_message");
    private static readonly JsonEncodedText Ack = JsonEncodedText.Encode("ack");

    public static void Write(Utf8JsonWriter writer, ServerFrame frame)
    {
        switch (frame)
        {
            case ServerFrame.ChatMessage message:
                WriteMessage(writer, message);
                break;
            case ServerFrame.Ack ack:
                WriteAck(writer, ack);
                break;
            default:
                JsonSerializer.Serialize(writer, frame, FrameJson.Wire.ServerFrame);
                break;
        }
    }

    private static void WriteMessage(Utf8JsonWriter writer, ServerFrame.ChatMessage message)
    {
        writer.WriteStartObject();
        writer.WriteString(Type, ChatMessage);
        writer.WriteString(Room, message.Room);
        writer.WriteNumber(Seq, message.Seq);
        writer.WriteString(UserId, message.UserId);
        writer.WriteString(Username, message.Username);
        writer.WriteString(Message, message.Message);
        writer.WriteNumber(Timestamp, message.Timestamp);
        if (message.Replay is { } replay)
            writer.WriteBoolean(Replay, replay);
        writer.WriteEndObject();
    }

    private static void WriteAck(Utf8JsonWriter writer, ServerFrame.Ack ack)
    {
        writer.WriteStartObject();
        writer.WriteString(Type, Ack);
        if (ack.Id is { } id)
            writer.WriteString(Id, id);
        if (ack.Room is { } room)
            writer.WriteString(Room, room);
        if (ack.Seq is { } seq)
            writer.WriteNumber(Seq, seq);
        writer.WriteNumber(Timestamp, ack.Timestamp);
        if (ack.Duplicate is { } duplicate)
            writer.WriteBoolean(Duplicate, duplicate);
        writer.WriteEndObject();
    }
}
