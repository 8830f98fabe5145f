using System.Text;
using System.Text.Json;
using OrleansChat.Tests.Support;

namespace OrleansChat.Tests.EndToEnd;

/// <summary><c>chat_message</c>: order, acknowledgement, what a repeat does, what a text and a room name may be.</summary>
public sealed class PublishingTests(SharedApp shared)
{
    [Fact]
    public async Task A_thousand_messages_sent_without_waiting_are_numbered_and_acknowledged_in_their_order()
    {
        const int count = 1_000;
        var app = await shared.StartedAsync();
        await using var alice = await app.JoinAsync("pu-alice", "pu-thousand");
        await using var bob = await app.JoinAsync("pu-bob", "pu-thousand");
        var text = new string('x', 900);
        for (var i = 1; i <= count; i++)
            await alice.SendAsync($$$"""{"type":"chat_message","id":"m{{{i}}}","payload":{"room":"pu-thousand","message":"{{{i}}} {{{text}}}"}}""");

        var timestamp = 0L;
        for (var i = 1; i <= count; i++)
        {
            var message = await bob.ExpectAsync($$"""{"type":"chat_message","room":"pu-thousand","seq":{{i}},"userId":"pu-alice","username":"pu-alice","message":"{{i}} {{text}}","timestamp":"*"}""");
            Assert.True(timestamp <= message.GetProperty("timestamp").GetInt64(), "time went back");
            timestamp = message.GetProperty("timestamp").GetInt64();
        }

        // The sender gets its own messages too; acks come in between, in whatever place.
        var (acked, heard) = (0, 0);
        while (acked < count || heard < count)
        {
            var frame = await alice.NextAsync($"ack {acked + 1} and message {heard + 1}");
            var pattern = frame.GetProperty("type").GetString() switch
            {
                "ack" => $$"""{"type":"ack","id":"m{{++acked}}","room":"pu-thousand","seq":{{acked}},"timestamp":"*"}""",
                "chat_message" => $$"""{"type":"chat_message","room":"pu-thousand","seq":{{++heard}},"userId":"pu-alice","username":"pu-alice","message":"{{heard}} {{text}}","timestamp":"*"}""",
                _ => """{"type":"user_joined","room":"pu-thousand","userId":"pu-bob","username":"pu-bob","members":2,"timestamp":"*"}""",
            };
            Assert.True(JsonPattern.Matches(pattern, frame), frame.GetRawText());
        }
    }

    [Fact]
    public async Task Without_an_id_nothing_is_answered_and_the_message_comes_all_the_same()
    {
        var app = await shared.StartedAsync();
        await using var alice = await app.JoinAsync("pu-alice", "pu-silent");
        await alice.SendAsync("""{"type":"chat_message","payload":{"room":"pu-silent","message":"one"}}""");
        await alice.SendAsync("""{"type":"chat_message","payload":{"room":"pu-silent","message":"one"}}""");
        await alice.ExpectAsync("""{"type":"chat_message","room":"pu-silent","seq":1,"userId":"pu-alice","username":"pu-alice","message":"one","timestamp":"*"}""");
        await alice.ExpectAsync("""{"type":"chat_message","room":"pu-silent","seq":2,"userId":"pu-alice","username":"pu-alice","message":"one","timestamp":"*"}""");
        Assert.Empty(await alice.AllUntilPongAsync());
    }

    [Fact]
    public async Task A_repeat_is_answered_with_the_first_ack_whichever_connection_it_comes_from_and_delivered_once()
    {
        var app = await shared.StartedAsync();
        await using var alice = await app.JoinAsync("pu-alice", "pu-repeat");
        await using var bob = await app.JoinAsync("pu-bob", "pu-repeat");
        var first = await alice.PublishAsync("pu-repeat", "the-id", "once");
        const string repeat = """{"type":"chat_message","id":"the-id","payload":{"room":"pu-repeat","message":"once"}}""";
        var duplicate = $$"""{"type":"ack","id":"the-id","room":"pu-repeat","seq":1,"timestamp":{{first.GetProperty("timestamp").GetInt64()}},"duplicate":true}""";

        await alice.SendAsync(repeat);
        await alice.UntilAsync(duplicate);
        await using var phone = await app.JoinAsync("pu-alice", "pu-repeat");
        await phone.SendAsync(repeat);
        await phone.ExpectAsync(duplicate);
        await bob.PublishAsync("pu-repeat", "the-id", "once");
        await bob.SendAsync("""{"type":"history","payload":{"room":"pu-repeat"}}""");
        var history = await bob.UntilAsync("""{"type":"history","room":"pu-repeat","epoch":"*","messages":["*","*"],"more":false}""");
        Assert.Equal(["pu-alice", "pu-bob"], history.GetProperty("messages").EnumerateArray().Select(message => message.GetProperty("userId").GetString()!), StringComparer.Ordinal);
    }

    [Fact]
    public async Task Two_of_the_same_id_on_their_way_at_once_are_one_message()
    {
        var app = await shared.StartedAsync();
        await using var alice = await app.JoinAsync("pu-alice", "pu-twins");
        await using var phone = await app.JoinAsync("pu-alice", "pu-twins");
        const string twin = """{"type":"chat_message","id":"twin","payload":{"room":"pu-twins","message":"once"}}""";
        await Task.WhenAll(alice.SendAsync(twin), phone.SendAsync(twin));
        await alice.SendAsync(twin);
        var answers = new List<JsonElement>();
        while (answers.Count < 2)
            answers.AddRange((await alice.AllUntilPongAsync()).Where(IsAck));
        while (answers.Count < 3)
            answers.AddRange((await phone.AllUntilPongAsync()).Where(IsAck));

        Assert.All(answers, ack => Assert.Equal(1, ack.GetProperty("seq").GetInt64()));
        Assert.Equal(2, answers.Count(ack => ack.TryGetProperty("duplicate", out var duplicate) && duplicate.GetBoolean()));
        Assert.Equal(2, (await alice.PublishAsync("pu-twins", "other", "other")).GetProperty("seq").GetInt64());

        static bool IsAck(JsonElement frame) => frame.GetProperty("type").ValueEquals("ack");
    }

    [Fact]
    public async Task The_same_id_with_another_text_is_a_conflict_and_in_another_room_another_message()
    {
        var app = await shared.StartedAsync();
        await using var alice = await app.JoinAsync("pu-alice", "pu-conflict");
        await alice.JoinAsync("pu-other");
        await alice.PublishAsync("pu-conflict", "the-id", "one");
        await alice.SendAsync("""{"type":"chat_message","id":"the-id","payload":{"room":"pu-conflict","message":"two"}}""");
        await alice.UntilAsync("""{"type":"error","error":"*","code":"id_conflict","id":"the-id","room":"pu-conflict"}""");
        Assert.Equal(1, (await alice.PublishAsync("pu-other", "the-id", "two")).GetProperty("seq").GetInt64());
        Assert.Equal(2, (await alice.PublishAsync("pu-conflict", "next", "two")).GetProperty("seq").GetInt64());
    }

    [Theory]
    [InlineData("a", 1_000)]
    [InlineData("ß", 1_000)]
    [InlineData("語", 1_000)]
    [InlineData("😀", 500)]
    [InlineData("\\ud83d\\ude00", 500)]
    [InlineData("\\u0000", 1_000)]
    public async Task A_text_has_up_to_1000_UTF16_code_units_and_comes_out_as_it_went_in(string piece, int times)
    {
        var app = await shared.StartedAsync();
        await using var alice = await app.JoinAsync("pu-alice", $"pu-length-{piece.Length}-{(int)piece[^1]}");
        var room = $"pu-length-{piece.Length}-{(int)piece[^1]}";
        var text = new StringBuilder().Insert(0, piece, times).ToString();
        await alice.SendAsync($$$"""{"type":"chat_message","id":"long","payload":{"room":"{{{room}}}","message":"{{{text}}}"}}""");
        await alice.UntilAsync($$"""{"type":"chat_message","room":"{{room}}","seq":1,"userId":"pu-alice","username":"pu-alice","message":"{{text}}","timestamp":"*"}""");

        await alice.SendAsync($$$"""{"type":"chat_message","id":"too-long","payload":{"room":"{{{room}}}","message":"{{{text}}}."}}""");
        await alice.UntilAsync("""{"type":"error","error":"Message too long (max 1000 characters)","code":"message_too_long","id":"too-long"}""");
    }

    [Theory]
    [InlineData("a")]
    [InlineData("General")]
    [InlineData("GENERAL")]
    [InlineData("a.b_c-d:1")]
    [InlineData("日本語")]
    [InlineData("école")]
    [InlineData("٣")]
    [InlineData("𐐀𐐁")]
    [InlineData("1234567890123456789012345678901234567890123456789012345678901234")]
    public async Task A_room_may_be_named_with_letters_and_digits_of_any_script(string room)
    {
        var app = await shared.StartedAsync();
        await using var alice = await app.ConnectAsync("pu-names");
        Assert.Equal(1, (await alice.JoinAsync(room)).GetProperty("members").GetInt32());
    }

    [Theory]
    [InlineData("\"\"")]
    [InlineData("\"a b\"")]
    [InlineData("\"a/b\"")]
    [InlineData("\"a\\u0000\"")]
    [InlineData("\"😀\"")]
    [InlineData("\"e\\u0301cole\"")]
    [InlineData("\"\\u212b\"")]
    [InlineData("\"\\ud801\"")]
    [InlineData("\"12345678901234567890123456789012345678901234567890123456789012345\"")]
    [InlineData("null")]
    [InlineData("7")]
    public async Task No_other_name_is_a_room(string room)
    {
        var app = await shared.StartedAsync();
        await using var alice = await app.ConnectAsync("pu-names");
        await alice.SendAsync($$$"""{"type":"join_room","id":"j","payload":{"room":{{{room}}}}}""");
        await alice.ExpectAsync("""{"type":"error","error":"Invalid payload: 'room' is missing, of another type or out of range","code":"invalid_payload","id":"j"}""");
    }
}
