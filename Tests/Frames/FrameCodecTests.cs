using System.Text;
using CsCheck;
using Microsoft.Extensions.Options;
using OrleansChat.Grains.Interfaces;
using OrleansChat.WebFront;
using OrleansChat.WebFront.Frames;

namespace OrleansChat.Tests.Frames;

/// <summary>What a client may say, letter by letter, and what is said of the rest.</summary>
public sealed class FrameCodecTests
{
    private static readonly FrameCodec Codec = new(Options.Create(new FrontOptions { MessageChars = 10 }));

    private static readonly string[] Good =
    [
        """{"type":"join_room","id":"1","payload":{"room":"lobby","since":3,"epoch":"e"}}""",
        """{"type":"chat_message","id":"ü","payload":{"room":"raum-1.ß:_","message":"he\u00e9\"\\"}}""",
        """{"type":"typing","payload":{"room":"lobby","isTyping":true}}""",
        """{"type":"history","payload":{"room":"lobby","before":7,"limit":20}}""",
        """{"type":"members","payload":{"room":"lobby","after":"alice","limit":1}}""",
        """{"type":"broadcast","payload":{"message":"hi","includeIds":["a"],"excludeIds":["b","c"]}}""",
        """{"payload":{"token":"ey.J"},"x":[{"type":1}],"type":"refresh_token"}""",
    ];

    private static readonly Gen<string> AnyGood = Gen.Int[0, Good.Length - 1].Select(i => Good[i]);

    public static TheoryData<string, object> Frames { get; } = new()
    {
        { """{"type":"join_room","payload":{"room":"lobby"}}""", new ClientFrame.JoinRoom(null, "lobby", null, null, null) },
        { """{"type":"join_room","id":"a","payload":{"room":"lobby","since":0,"epoch":""}}""", new ClientFrame.JoinRoom("a", "lobby", 0, "", null) },
        { """{"type":"join_room","payload":{"room":"lobby","since":9223372036854775806,"epoch":"e"}}""", new ClientFrame.JoinRoom(null, "lobby", long.MaxValue - 1, "e", null) },
        { """{"type":"join_room","payload":{"room":"lobby","history":200,"since":null}}""", new ClientFrame.JoinRoom(null, "lobby", null, null, 200) },
        { """{"payload":{"room":"lobby"},"id":"z","type":"leave_room"}""", new ClientFrame.LeaveRoom("z", "lobby") },
        { """ {"type":"chat_message","payload":{"message":"hello","room":"lobby"}} """, new ClientFrame.ChatMessage(null, "lobby", "hello") },
        { """{"type":"chat_message","id":null,"payload":{"room":"lobby","message":"\ud83d\ude00\u0000"}}""", new ClientFrame.ChatMessage(null, "lobby", "😀\0") },
        { """{"\u0074ype":"typing","payload":{"room":"lobby","isTyping":false}}""", new ClientFrame.Typing(null, "lobby", IsTyping: false) },
        { """{"type":"history","id":"h","payload":{"room":"lobby"}}""", new ClientFrame.ReadHistory("h", "lobby", null, null, 50) },
        { """{"type":"history","payload":{"room":"lobby","before":1,"limit":200}}""", new ClientFrame.ReadHistory(null, "lobby", 1, null, 200) },
        { """{"type":"history","payload":{"room":"lobby","after":0,"limit":1}}""", new ClientFrame.ReadHistory(null, "lobby", null, 0, 1) },
        { """{"type":"members","payload":{"room":"lobby","after":"bob","limit":2}}""", new ClientFrame.ListMembers(null, "lobby", "bob", 2) },
        { """{"type":"refresh_token","payload":{"token":"t"}}""", new ClientFrame.RefreshToken(null, "t") },
        { """{"type":"ping","id":"p"}""", new ClientFrame.Ping("p") },
        { """{"type":"ping","payload":7}""", new ClientFrame.Ping(null) },
        { """{"type":"pong","payload":null,"later":{"field":[1,{}]}}""", new ClientFrame.Pong() },
        { """{"type":"leave_room","payload":{"room":"lobby","colour":"red","type":"x"},"trace":1e999}""", new ClientFrame.LeaveRoom(null, "lobby") },
    };

    [Theory]
    [MemberData(nameof(Frames))]
    public void A_frame_is_read_whatever_order_its_fields_stand_in_and_whatever_else_it_holds(string json, object frame) => Assert.Equal(frame, Decode(json));

    [Fact]
    public void A_broadcast_names_whom_it_means()
    {
        var broadcast = Assert.IsType<ClientFrame.Broadcast>(Decode("""{"type":"broadcast","id":"b","payload":{"message":"hi","includeIds":["a","b"]}}"""));

        Assert.Equal(("b", "hi"), (broadcast.Id, broadcast.Message));
        Assert.Equal(["a", "b"], broadcast.IncludeIds);
        Assert.Empty(broadcast.ExcludeIds);
    }

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("hello")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("42")]
    [InlineData("{}")]
    [InlineData("""{"type":"ping""")]
    [InlineData("""{"type":"ping"}{}""")]
    [InlineData("""{"type":"ping"} x""")]
    [InlineData("""{"type":"ping",}""")]
    [InlineData("""{"type":"ping"/**/}""")]
    [InlineData("""{'type':'ping'}""")]
    [InlineData("""{"type":null}""")]
    [InlineData("""{"type":1}""")]
    [InlineData("""{"type":["ping"]}""")]
    [InlineData("""{"Type":"ping"}""")]
    [InlineData("""{"type":"ping","type":"ping"}""")]
    [InlineData("""{"type":"ping","payload":{},"payload":{}}""")]
    [InlineData("""{"type":"ping","id":"a","id":"a"}""")]
    [InlineData("""{"type":"ping","id":""}""")]
    [InlineData("""{"type":"ping","id":7}""")]
    [InlineData("""{"type":"ping","id":{"a":1}}""")]
    [InlineData("""{"type":"ping","id":"12345678901234567890123456789012345678901234567890123456789012345"}""")]
    [InlineData("""{"type":"ping","id":"\ud800"}""")]
    [InlineData("""{"type":"\udc00"}""")]
    [InlineData("\uFEFF{\"type\":\"ping\"}")]
    public void What_is_no_frame_is_said_to_be_of_invalid_format_word_for_word_as_in_the_tutorial(string json) =>
        Assert.Equal(new ClientFrame.Invalid(null, ChatError.InvalidMessage, "Invalid message format"), Decode(json));

    [Theory]
    [InlineData("dance", "Unknown message type: dance")]
    [InlineData("JOIN_ROOM", "Unknown message type: JOIN_ROOM")]
    [InlineData("", "Unknown message type: ")]
    [InlineData("direct_message", "Unknown message type: direct_message")]
    public void An_unknown_type_is_named_word_for_word_as_in_the_tutorial(string type, string text) =>
        Assert.Equal(new ClientFrame.Invalid("i", ChatError.UnknownType, text), Decode($$"""{"type":"{{type}}","id":"i"}"""));

    [Fact]
    public void A_long_unknown_type_is_cut_and_what_is_cut_can_still_be_sent()
    {
        var frame = Assert.IsType<ClientFrame.Invalid>(Decode($$"""{"type":"{{new string('x', 63)}}😀"}"""));

        var sent = WireFrame.Encode(new ServerFrame.Error(frame.Text, "unknown_type", null, null, null));
        Assert.Contains(new string('x', 63), Encoding.UTF8.GetString(sent.AsSpan(2)), StringComparison.Ordinal);
    }

    [Fact]
    public void A_long_text_is_refused_word_for_word_as_in_the_tutorial()
    {
        Assert.IsType<ClientFrame.ChatMessage>(Decode("""{"type":"chat_message","payload":{"room":"r","message":"0123456789"}}"""));
        Assert.Equal(
            new ClientFrame.Invalid("i", ChatError.MessageTooLong, "Message too long (max 10 characters)"),
            Decode("""{"type":"chat_message","id":"i","payload":{"room":"r","message":"012345678\ud83d\ude00"}}"""));
        Assert.Equal(
            "Message too long (max 1000 characters)",
            ((ClientFrame.Invalid)new FrameCodec(Options.Create(new FrontOptions())).Decode(Encoding.UTF8.GetBytes($$$"""{"type":"chat_message","payload":{"room":"r","message":"{{{new string('x', 1_001)}}}"}}"""))).Text);
    }

    [Theory]
    [InlineData("join_room", null, "payload")]
    [InlineData("join_room", "null", "payload")]
    [InlineData("join_room", "[]", "payload")]
    [InlineData("join_room", "\"x\"", "payload")]
    [InlineData("join_room", "{}", "room")]
    [InlineData("join_room", """{"room":null}""", "room")]
    [InlineData("join_room", """{"room":7}""", "room")]
    [InlineData("join_room", """{"room":{"a":1}}""", "room")]
    [InlineData("join_room", """{"room":""}""", "room")]
    [InlineData("join_room", """{"room":"a b"}""", "room")]
    [InlineData("join_room", """{"room":"12345678901234567890123456789012345678901234567890123456789012345"}""", "room")]
    [InlineData("join_room", """{"room":"a\ud800"}""", "room")]
    [InlineData("join_room", """{"room":"r","since":1}""", "epoch")]
    [InlineData("join_room", """{"room":"r","since":1,"epoch":null}""", "epoch")]
    [InlineData("join_room", """{"room":"r","since":1,"epoch":5}""", "epoch")]
    [InlineData("join_room", """{"room":"r","since":1,"epoch":"12345678901234567890123456789012345678901234567890123456789012345"}""", "epoch")]
    [InlineData("join_room", """{"room":"r","since":-1,"epoch":"e"}""", "since")]
    [InlineData("join_room", """{"room":"r","since":"1","epoch":"e"}""", "since")]
    [InlineData("join_room", """{"room":"r","since":1.5,"epoch":"e"}""", "since")]
    [InlineData("join_room", """{"room":"r","since":9223372036854775807,"epoch":"e"}""", "since")]
    [InlineData("join_room", """{"room":"r","since":9223372036854775808,"epoch":"e"}""", "since")]
    [InlineData("join_room", """{"room":"r","since":1e999,"epoch":"e"}""", "since")]
    [InlineData("join_room", """{"room":"r","history":-1}""", "history")]
    [InlineData("join_room", """{"room":"r","history":201}""", "history")]
    [InlineData("join_room", """{"room":"r","history":true}""", "history")]
    [InlineData("join_room", """{"room":"r","history":1,"since":1,"epoch":"e"}""", "history")]
    [InlineData("leave_room", "{}", "room")]
    [InlineData("chat_message", """{"message":"m"}""", "room")]
    [InlineData("chat_message", """{"room":"r"}""", "message")]
    [InlineData("chat_message", """{"room":"r","message":""}""", "message")]
    [InlineData("chat_message", """{"room":"r","message":null}""", "message")]
    [InlineData("chat_message", """{"room":"r","message":["m"]}""", "message")]
    [InlineData("chat_message", """{"room":"r","message":"\udc00"}""", "message")]
    [InlineData("chat_message", """{"\ud800":1,"room":"r","message":"m"}""", "payload")]
    [InlineData("chat_message", """{"r\ud800oom":1,"room":"r","message":"m"}""", "payload")]
    [InlineData("typing", """{"room":"r"}""", "isTyping")]
    [InlineData("typing", """{"room":"r","isTyping":null}""", "isTyping")]
    [InlineData("typing", """{"room":"r","isTyping":1}""", "isTyping")]
    [InlineData("typing", """{"room":"r","isTyping":"true"}""", "isTyping")]
    [InlineData("history", """{"limit":1}""", "room")]
    [InlineData("history", """{"room":"r","before":0}""", "before")]
    [InlineData("history", """{"room":"r","after":-1}""", "after")]
    [InlineData("history", """{"room":"r","after":9223372036854775807}""", "after")]
    [InlineData("history", """{"room":"r","before":5,"after":1}""", "after")]
    [InlineData("history", """{"room":"r","limit":0}""", "limit")]
    [InlineData("history", """{"room":"r","limit":201}""", "limit")]
    [InlineData("history", """{"room":"r","limit":"5"}""", "limit")]
    [InlineData("members", """{"room":"r","after":""}""", "after")]
    [InlineData("members", """{"room":"r","after":3}""", "after")]
    [InlineData("members", """{"room":"r","limit":-5}""", "limit")]
    [InlineData("refresh_token", "{}", "token")]
    [InlineData("refresh_token", """{"token":""}""", "token")]
    [InlineData("broadcast", "{}", "message")]
    [InlineData("broadcast", """{"message":"m","includeIds":"a"}""", "includeIds")]
    [InlineData("broadcast", """{"message":"m","includeIds":["a",3]}""", "includeIds")]
    [InlineData("broadcast", """{"message":"m","excludeIds":[""]}""", "excludeIds")]
    [InlineData("broadcast", """{"message":"m","excludeIds":[null]}""", "excludeIds")]
    public void A_field_that_does_not_fit_is_named(string type, string? payload, string field)
    {
        var json = payload is null ? $$"""{"type":"{{type}}","id":"i"}""" : $$"""{"type":"{{type}}","id":"i","payload":{{payload}}}""";

        Assert.Equal(new ClientFrame.Invalid("i", ChatError.InvalidPayload, $"Invalid payload: '{field}' is missing, of another type or out of range"), Decode(json));
    }

    [Fact]
    public void A_field_that_stands_twice_in_a_payload_is_refused() =>
        Assert.Equal(ChatError.InvalidPayload, Assert.IsType<ClientFrame.Invalid>(Decode("""{"type":"leave_room","payload":{"room":"a","room":"b"}}""")).Error);

    [Theory]
    [InlineData(31, true)]
    [InlineData(32, false)]
    public void Json_may_be_nested_32_deep(int inner, bool isGood)
    {
        var (open, close) = (new string('[', inner), new string(']', inner));

        Assert.Equal(isGood, Decode($$"""{"type":"ping","x":{{open}}{{close}}}""") is ClientFrame.Ping);
        var payload = Decode($$$"""{"type":"leave_room","payload":{"room":"r","x":{{{open[1..]}}}{{{close[1..]}}}}}""");
        Assert.Equal(isGood, payload is ClientFrame.LeaveRoom);
        Assert.Equal(isGood, payload is not ClientFrame.Invalid { Error: ChatError.InvalidMessage });
    }

    [Fact]
    public void Bytes_that_are_not_utf8_are_refused_wherever_they_stand()
    {
        foreach (var template in new[] { """{"type":"#"}""", """{"#":1,"type":"ping"}""", """{"type":"ping","id":"#"}""", """{"type":"leave_room","payload":{"room":"#"}}""", """{"type":"leave_room","payload":{"#":1,"room":"r"}}""", """{"type":"chat_message","payload":{"room":"r","message":"#"}}""" })
        {
            var bytes = Encoding.UTF8.GetBytes(template);
            bytes[Array.IndexOf(bytes, (byte)'#')] = 0xFF;
            if (Codec.Decode(bytes) is ClientFrame.Ping or ClientFrame.LeaveRoom { Room: "r" })
                continue; // a name that nobody reads; the connection has checked the bytes before
            Assert.IsType<ClientFrame.Invalid>(Codec.Decode(bytes));
        }
    }

    [Fact]
    public void Whatever_comes_is_a_frame_and_whatever_is_wrong_can_be_said()
    {
        var mutated = Gen.Select(AnyGood, Gen.Select(Gen.Int[0, 200], Gen.Int[0, 8], Gen.Byte.Array[0, 6]).Array[1, 4], (json, edits) =>
        {
            var bytes = Encoding.UTF8.GetBytes(json).ToList();
            foreach (var (position, removed, inserted) in edits)
            {
                var at = Math.Min(position, bytes.Count);
                bytes.RemoveRange(at, Math.Min(removed, bytes.Count - at));
                bytes.InsertRange(at, inserted);
            }

            return bytes.ToArray();
        });
        var spliced = Gen.Select(AnyGood, AnyGood, Gen.Int[0, 80], Gen.Int[0, 80], (one, other, until, from) =>
            Encoding.UTF8.GetBytes(one[..Math.Min(until, one.Length)] + other[Math.Min(from, other.Length)..]));

        Gen.OneOf(mutated, spliced, Gen.Byte.Array[0, 100]).Sample(
            bytes =>
            {
                if (Codec.Decode(bytes) is ClientFrame.Invalid invalid)
                    WireFrame.Encode(new ServerFrame.Error(invalid.Text, ErrorTexts.Code(invalid.Error), invalid.Id, null, null));
            },
            iter: 50_000);
    }

    private static ClientFrame Decode(string json) => Codec.Decode(Encoding.UTF8.GetBytes(json));
}
