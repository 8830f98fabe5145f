using System.Text;
using System.Text.Json;
using CsCheck;
using OrleansChat.WebFront.Frames;

namespace OrleansChat.Tests.Frames;

/// <summary>What is read by hand is read as the serializer reads everything else.</summary>
public sealed class MessagePayloadTests
{
    private static readonly Gen<string> AnyField = Gen.Select(
        AnyOf("room", "message", "Room", "r\\u006fom", "mess\\u0061ge", "type", "", "\\u0000", "\\ud800", "r\\ud800oom", "x\\udc00"),
        AnyOf("\"r\"", "\"\"", "\"\\ud83d\\ude00 \\\"\"", "\"\\ud800\"", "null", "7", "true", "{\"room\":\"a\"}", "[\"m\",{}]"),
        (name, value) => $"\"{name}\" : {value}");

    [Fact]
    public void A_message_is_read_as_the_serializer_would_read_it() => AnyField.List[0, 4].Sample(fields =>
    {
        var json = Encoding.UTF8.GetBytes("{" + string.Join(", ", fields) + "}");

        Assert.Equal(Read(() => JsonSerializer.Deserialize(json, FrameJson.Default.MessagePayload)), Read(() => MessagePayload.Read(json)));
    });

    private static Gen<string> AnyOf(params string[] all) => Gen.Int[0, all.Length - 1].Select(i => all[i]);

    /// <summary>The texts, or the field that does not fit.</summary>
    private static object Read(Func<MessagePayload> read)
    {
        try
        {
            return read();
        }
        catch (JsonException e)
        {
            return $"refused: {e.Path}";
        }
    }
}
