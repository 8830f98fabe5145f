using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using CsCheck;
using OrleansChat.WebFront.Frames;

namespace OrleansChat.Tests.Frames;

/// <summary>What goes over the wire, byte by byte.</summary>
public sealed class WireFrameTests
{
    /// <summary>Surrogates that stand alone among them.</summary>
    private static readonly Gen<string> AnyText = Gen.String[Gen.Char['\0', '\uffff'], 0, 50];

    public static TheoryData<object, string> Frames { get; } = new()
    {
        {
            new ServerFrame.Connected("c", "alice", "Alice", 1, 1, new HeartbeatTimes(30_000, 10_000), 2, new FrameLimits(16_384, 1_000, 100)),
            """{"type":"connected","clientId":"c","userId":"alice","username":"Alice","timestamp":1,"protocol":1,"heartbeat":{"interval":30000,"timeout":10000},"expiresAt":2,"limits":{"frameBytes":16384,"messageChars":1000,"roomsPerConnection":100}}"""
        },
        { new ServerFrame.RoomJoined("j", "r", 2, 3, "e", Recovered: true), """{"type":"room_joined","id":"j","room":"r","members":2,"seq":3,"epoch":"e","recovered":true}""" },
        { new ServerFrame.RoomJoined(null, "r", 2, 3, "e", null), """{"type":"room_joined","room":"r","members":2,"seq":3,"epoch":"e"}""" },
        { new ServerFrame.RoomLeft(null, "r"), """{"type":"room_left","room":"r"}""" },
        { new ServerFrame.UserJoined("r", "u", "U", 2, 3), """{"type":"user_joined","room":"r","userId":"u","username":"U","members":2,"timestamp":3}""" },
        { new ServerFrame.UserLeft("r", "u", "U", 2, 3), """{"type":"user_left","room":"r","userId":"u","username":"U","members":2,"timestamp":3}""" },
        { new ServerFrame.Occupancy("r", 5), """{"type":"occupancy","room":"r","members":5}""" },
        { new ServerFrame.ChatMessage("r", 1, "u", "U", "<&'+> grüße 日本\"\\\n", 2, null), """{"type":"chat_message","room":"r","seq":1,"userId":"u","username":"U","message":"<&'+> grüße 日本\"\\\n","timestamp":2}""" },
        { new ServerFrame.ChatMessage("r", 1, "u", "U", "m", 2, Replay: true), """{"type":"chat_message","room":"r","seq":1,"userId":"u","username":"U","message":"m","timestamp":2,"replay":true}""" },
        { new ServerFrame.Typing("r", "u", "U", IsTyping: false), """{"type":"typing","room":"r","userId":"u","username":"U","isTyping":false}""" },
        { new ServerFrame.Ack("a", "r", 4, 5, Duplicate: true), """{"type":"ack","id":"a","room":"r","seq":4,"timestamp":5,"duplicate":true}""" },
        { new ServerFrame.Ack(null, null, null, 5, null), """{"type":"ack","timestamp":5}""" },
        {
            new ServerFrame.HistoryPage("h", "r", "e", [new HistoryMessage("chat_message", "r", 1, "u", "U", "m", 2)], More: true),
            """{"type":"history","id":"h","room":"r","epoch":"e","messages":[{"type":"chat_message","room":"r","seq":1,"userId":"u","username":"U","message":"m","timestamp":2}],"more":true}"""
        },
        { new ServerFrame.MemberList(null, "r", 1, [new MemberUser("u", "U", 2)], More: false), """{"type":"members","room":"r","members":1,"users":[{"userId":"u","username":"U","connections":2}],"more":false}""" },
        { new ServerFrame.TokenExpiring(9), """{"type":"token_expiring","expiresAt":9}""" },
        { new ServerFrame.TokenRefreshed("t", 9), """{"type":"token_refreshed","id":"t","expiresAt":9}""" },
        { new ServerFrame.Broadcast("root", "hi", 9), """{"type":"broadcast","from":"root","message":"hi","timestamp":9}""" },
        { new ServerFrame.Ping(9), """{"type":"ping","timestamp":9}""" },
        { new ServerFrame.Pong(null, 9), """{"type":"pong","timestamp":9}""" },
        { new ServerFrame.Reconnect(250, "bye"), """{"type":"reconnect","after":250,"reason":"bye"}""" },
        { new ServerFrame.Error("text", "rate_limited", "i", 50, "r"), """{"type":"error","error":"text","code":"rate_limited","id":"i","retryAfter":50,"room":"r"}""" },
        { new ServerFrame.Error("text", "internal", null, null, null), """{"type":"error","error":"text","code":"internal"}""" },
    };

    [Theory]
    [MemberData(nameof(Frames))]
    public void A_frame_is_a_text_frame_of_this_json(object frame, string json)
    {
        var bytes = WireFrame.Encode((ServerFrame)frame);

        var payload = Encoding.UTF8.GetBytes(json);
        Assert.Equal(json, Encoding.UTF8.GetString(bytes.AsSpan(payload.Length < 126 ? 2 : 4)));
        Assert.Equal(payload.Length < 126 ? [0x81, (byte)payload.Length] : [0x81, 126, (byte)(payload.Length >> 8), (byte)payload.Length], bytes[..^payload.Length]);
    }

    [Fact]
    public void What_is_written_by_hand_is_what_the_serializer_would_write() =>
        Gen.Select(AnyText, AnyText, Gen.Long, Gen.Int[0, 15]).Sample((one, other, number, which) =>
        {
            bool? yes = (which & 1) == 0 ? null : true;
            ServerFrame[] frames =
            [
                new ServerFrame.ChatMessage(one, number, other, one, other, number, yes),
                new ServerFrame.Ack((which & 2) == 0 ? null : one, (which & 4) == 0 ? null : other, (which & 8) == 0 ? null : number, number, yes),
            ];
            foreach (var frame in frames)
            {
                var expected = JsonSerializer.SerializeToUtf8Bytes(frame, FrameJson.Wire.ServerFrame);
                var bytes = WireFrame.Encode(frame);
                Assert.Equal(expected, bytes[(bytes[1] < 126 ? 2 : 4)..]);
            }
        });

    [Theory]
    [InlineData(125, new byte[] { 0x81, 125 })]
    [InlineData(126, new byte[] { 0x81, 126, 0, 126 })]
    [InlineData(65_535, new byte[] { 0x81, 126, 0xFF, 0xFF })]
    [InlineData(65_536, new byte[] { 0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0 })]
    [InlineData(2_000_000, new byte[] { 0x81, 127, 0, 0, 0, 0, 0, 0x1E, 0x84, 0x80 })]
    public void The_header_has_as_many_bytes_as_the_length_needs(int length, byte[] header)
    {
        const string Rest = """{"type":"room_left","room":""}""";

        var bytes = WireFrame.Encode(new ServerFrame.RoomLeft(null, new string('r', length - Rest.Length)));

        Assert.Equal(header, bytes[..header.Length]);
        Assert.Equal(length, bytes.Length - header.Length);
        Assert.Equal((byte)'}', bytes[^1]);
    }

    [Fact]
    public void A_batch_is_its_frames_one_behind_the_other()
    {
        ServerFrame[] frames = [new ServerFrame.Ping(1), new ServerFrame.RoomLeft(null, new string('r', 300)), new ServerFrame.Ping(2)];

        Assert.Equal(frames.SelectMany(WireFrame.Encode), WireFrame.Encode(frames, 0, (frame, _) => frame));
    }

    [Fact]
    public void A_close_frame_holds_its_code_and_reason()
    {
        Assert.Equal([0x88, 5, 0x03, 0xE9, (byte)'b', (byte)'y', (byte)'e'], WireFrame.Close((WebSocketCloseStatus)1001, "bye"));
        Assert.Equal([0x89, 0], WireFrame.Ping.ToArray());
    }

    [Fact]
    public void A_close_reason_that_is_too_long_is_cut_between_characters()
    {
        var bytes = WireFrame.Close((WebSocketCloseStatus)4403, new string('語', 100));

        Assert.Equal([0x88, 125, 0x11, 0x33], bytes[..4]);
        Assert.Equal(new string('語', 41), Encoding.UTF8.GetString(bytes.AsSpan(4)));
    }
}
