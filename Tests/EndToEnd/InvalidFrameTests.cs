namespace OrleansChat.Tests.EndToEnd;

/// <summary>What does not fit is answered, and the connection goes on. Framing is in Tests/Abuse.</summary>
public sealed class InvalidFrameTests(SharedApp shared)
{
    private const string Id64 = "1234567890123456789012345678901234567890123456789012345678901234";

    [Theory]
    [InlineData("")]
    [InlineData("hello")]
    [InlineData("[]")]
    [InlineData("\"ping\"")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("""{"type":7}""")]
    [InlineData("""{"type":null}""")]
    [InlineData("""{"type":"ping"}{"type":"ping"}""")]
    [InlineData("""{"type":"ping",}""")]
    [InlineData("""{"type":"ping","id":""}""")]
    [InlineData("""{"type":"ping","id":7}""")]
    [InlineData($$"""{"type":"ping","id":"{{Id64}}5"}""")]
    [InlineData("""{"type":"ping","id":"\ud800"}""")]
    [InlineData("""{"type":"pi\ud800ng"}""")]
    [InlineData("""{"type":"ping","payload":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}""")]
    public async Task What_is_no_frame_is_answered_and_the_connection_stays(string json)
    {
        var app = await shared.StartedAsync();
        await using var alice = await app.ConnectAsync("in-alice");
        await alice.SendAsync(json);
        await alice.ExpectAsync("""{"type":"error","error":"Invalid message format","code":"invalid_message"}""");
        Assert.Empty(await alice.AllUntilPongAsync());
    }

    [Theory]
    [InlineData($$"""{"id":"{{Id64}}","type":"ping"}""", Id64)]
    [InlineData("""{"payload":{"type":"pong","id":"inner"},"x":{"type":["ping"]},"type":"ping","id":"😀"}""", "😀")]
    [InlineData("""  {  "ty\u0070e" : "pin\u0067" , "id" : "\u0061" }  """, "a")]
    [InlineData("""{"type":"ping","id":"deep","payload":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}""", "deep")]
    public async Task What_is_a_frame_is_taken_however_it_is_written(string json, string id)
    {
        var app = await shared.StartedAsync();
        await using var alice = await app.ConnectAsync("in-alice");
        await alice.SendAsync(json);
        await alice.ExpectAsync($$"""{"type":"pong","id":"{{id}}","timestamp":"*"}""");
    }

    [Theory]
    [InlineData("fly", "fly")]
    [InlineData("PING", "PING")]
    [InlineData("connected", "connected")]
    [InlineData("direct_message", "direct_message")]
    [InlineData("sync_inbox", "sync_inbox")]
    [InlineData("mark_read", "mark_read")]
    [InlineData("rooms", "rooms")]
    [InlineData("kick", "kick")]
    [InlineData("", "")]
    public async Task An_unknown_type_is_named(string type, string named)
    {
        var app = await shared.StartedAsync();
        await using var alice = await app.ConnectAsync("in-alice");
        await alice.SendAsync($$$"""{"type":"{{{type}}}","id":"u","payload":{"room":"x"}}""");
        await alice.ExpectAsync($$"""{"type":"error","error":"Unknown message type: {{named}}","code":"unknown_type","id":"u"}""");
    }

    [Theory]
    [InlineData("""{"type":"join_room","id":"p"}""", "payload")]
    [InlineData("""{"type":"join_room","id":"p","payload":null}""", "payload")]
    [InlineData("""{"type":"join_room","id":"p","payload":[]}""", "payload")]
    [InlineData("""{"type":"leave_room","id":"p","payload":{}}""", "room")]
    [InlineData("""{"type":"chat_message","id":"p","payload":{"message":"x"}}""", "room")]
    [InlineData("""{"type":"chat_message","id":"p","payload":{"room":"x"}}""", "message")]
    [InlineData("""{"type":"chat_message","id":"p","payload":{"room":"x","message":""}}""", "message")]
    [InlineData("""{"type":"chat_message","id":"p","payload":{"room":"x","message":["x"]}}""", "message")]
    [InlineData("""{"type":"chat_message","id":"p","payload":{"room":"x","message":"\ud83d"}}""", "message")]
    [InlineData("""{"type":"typing","id":"p","payload":{"room":"x"}}""", "isTyping")]
    [InlineData("""{"type":"typing","id":"p","payload":{"room":"x","isTyping":"true"}}""", "isTyping")]
    [InlineData("""{"type":"history","id":"p","payload":{"user":"bob"}}""", "room")]
    [InlineData("""{"type":"members","id":"p","payload":{"room":"x","limit":0}}""", "limit")]
    [InlineData("""{"type":"members","id":"p","payload":{"room":"x","limit":201}}""", "limit")]
    [InlineData("""{"type":"members","id":"p","payload":{"room":"x","after":7}}""", "after")]
    [InlineData("""{"type":"refresh_token","id":"p","payload":{}}""", "token")]
    [InlineData("""{"type":"broadcast","id":"p","payload":{"message":"x","includeIds":"bob"}}""", "includeIds")]
    [InlineData("""{"type":"broadcast","id":"p","payload":{"message":"x","excludeIds":[7]}}""", "excludeIds")]
    public async Task A_payload_that_does_not_fit_is_refused_by_the_name_of_its_field(string json, string field)
    {
        var app = await shared.StartedAsync();
        await using var alice = await app.ConnectAsync("in-alice", "admin");
        await alice.SendAsync(json);
        await alice.ExpectAsync($$"""{"type":"error","error":"Invalid payload: '{{field}}' is missing, of another type or out of range","code":"invalid_payload","id":"p"}""");
        Assert.Empty(await alice.AllUntilPongAsync());
    }

    [Fact]
    public async Task A_frame_has_up_to_16384_bytes_and_one_more_is_closed_with_1009()
    {
        var app = await shared.StartedAsync();
        await using var alice = await app.ConnectAsync("in-alice");
        const string ping = """{"type":"ping"}""";
        await alice.SendAsync(ping + new string(' ', 16_384 - ping.Length));
        await alice.ExpectAsync("""{"type":"pong","timestamp":"*"}""");
        await alice.SendAsync(ping + new string(' ', 16_385 - ping.Length));
        Assert.Equal(1009, (await alice.ClosedAsync()).Code);
    }
}
