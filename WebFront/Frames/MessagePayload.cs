using System.Text.Json;

namespace OrleansChat.WebFront.Frames;

/// <summary>
/// The payload of a <c>chat_message</c>, as it comes: everything may be missing. It is read by hand, to the letter as <see cref="FrameJson"/> would (the
/// tests hold one against the other): nearly all that comes in is one, and the serializer makes six objects beside its two texts.
/// </summary>
internal readonly record struct MessagePayload(string? Room, string? Message)
{
    /// <param name="json">A JSON object, which somebody has read to its end already.</param>
    /// <exception cref="JsonException">A field is no text, or stands twice: the path names it. Or a name holds half a surrogate pair, escaped.</exception>
    public static MessagePayload Read(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        var (room, message) = (default(Field), default(Field));
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueIsEscaped)
                TextOf(reader, "$"); // It may be no text at all, and what compares it below would throw.
            if (reader.ValueTextEquals("room"u8))
            {
                room.Read(ref reader, "$.room");
            }
            else if (reader.ValueTextEquals("message"u8))
            {
                message.Read(ref reader, "$.message");
            }
            else
            {
                reader.Read();
                reader.Skip();
            }
        }

        return new MessagePayload(room.Text, message.Text);
    }

    private static string? TextOf(in Utf8JsonReader reader, string path)
    {
        try
        {
            return reader.GetString();
        }
        catch (InvalidOperationException e)
        {
            throw new JsonException(e.Message, path, lineNumber: null, bytePositionInLine: null, e); // Half a surrogate pair, escaped.
        }
    }

    private struct Field
    {
        private bool _isRead;

        public string? Text { get; private set; }

        public void Read(ref Utf8JsonReader reader, string path)
        {
            reader.Read();
            if (_isRead || reader.TokenType is not (JsonTokenType.String or JsonTokenType.Null))
                throw new JsonException(message: null, path, lineNumber: null, bytePositionInLine: null);
            (_isRead, Text) = (true, TextOf(reader, path));
        }
    }
}
