using System.Text.Json;
using OrleansChat.Tests.Support;

namespace OrleansChat.Tests.Abuse;

/// <summary>PROTOCOL.md, "What does not fit", over the wire: the right code, the field's name, and the connection goes on.</summary>
public sealed class RefusalTests(AbusedRoom room) : IClassFixture<AbusedRoom>
{
    private const string Long65 = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

    [Theory]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("1")]
    [InlineData("\"ping\"")]
    [InlineData("{")]
    [InlineData("{}")]
    [InlineData("{} {}")]
    [InlineData("{},")]
    [InlineData("""{"type":"ping",}""")]
    [InlineData("""{"type":"ping"} // no comments""")]
    [InlineData("{'type':'ping'}")]
    [InlineData("""{type:"ping"}""")]
    [InlineData("""{"type":1}""")]
    [InlineData("""{"type":null}""")]
    [InlineData("""{"type":["ping"]}""")]
    [InlineData("""{"Type":"ping"}""")]
    [InlineData("""{"type":"ping","type":"pong"}""")]
    [InlineData("""{"type":"\ud800"}""")]
    [InlineData("""{"type":"ping","id":""}""")]
    [InlineData("""{"type":"ping","id":1}""")]
    [InlineData("""{"type":"ping","id":{}}""")]
    [InlineData("""{"type":"ping","id":"\udc00"}""")]
    [InlineData("""{"type":"ping","id":"a","id":"b"}""")]
    [InlineData($$"""{"type":"ping","id":"{{Long65}}"}""")]
    [InlineData("""{"type":"ping","payload":{},"payload":{}}""")]
    [InlineData("""{"type":"ping","payload":01}""")]
    [InlineData("""{"type":"ping","payload":NaN}""")]
    public Task What_is_no_frame_is_invalid_message(string json) => IsRefusedAsync(json, "invalid_message", "Invalid message format");

    [Theory]
    [InlineData("""{"type":"x","id":"r"}""", "x")]
    [InlineData("""{"type":"","id":"r"}""", "")]
    [InlineData("""{"type":"PING","id":"r"}""", "PING")]
    [InlineData("""{"type":"__proto__","id":"r"}""", "__proto__")]
    [InlineData("""{"type":"\u0000\u001b[31m","id":"r"}""", "\0\u001b[31m")]
    [InlineData("""{"type":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","id":"r"}""", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…")]
    [InlineData("""{"type":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa😀b","id":"r"}""", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…")]
    public Task A_type_that_nobody_knows_is_unknown_type(string json, string named) => IsRefusedAsync(json, "unknown_type", $"Unknown message type: {named}");

    [Theory]
    [InlineData("")]
    [InlineData("a b")]
    [InlineData("a/b")]
    [InlineData("../etc")]
    [InlineData("a\\nb")]
    [InlineData("a\\u0000b")]
    [InlineData("<script>")]
    [InlineData("a*")]
    [InlineData("{a}")]
    [InlineData("a\\ud800")]
    [InlineData("😀")]
    [InlineData("e\\u0301")] // é, not in NFC
    [InlineData("\\u212b")] // the Ångström sign, which NFC makes a letter
    [InlineData("a\\u200bb")] // zero-width space
    [InlineData("a\\u202eb")] // right to left
    [InlineData("a\\ufeff")]
    [InlineData(Long65)]
    public async Task A_name_that_no_room_may_have_is_invalid_payload_in_every_frame(string name)
    {
        foreach (var type in (string[])["join_room", "leave_room", "chat_message", "typing", "history", "members"])
            await IsRefusedAsync($$$"""{"type":"{{{type}}}","id":"r","payload":{"room":"{{{name}}}","message":"m","isTyping":true}}""", "invalid_payload", "'room'");
    }

    [Theory]
    [InlineData("join_room", "null", "payload")]
    [InlineData("join_room", "[]", "payload")]
    [InlineData("join_room", "\"calm\"", "payload")]
    [InlineData("join_room", "{}", "room")]
    [InlineData("join_room", """{"room":null}""", "room")]
    [InlineData("join_room", """{"room":7}""", "room")]
    [InlineData("join_room", """{"room":["calm"]}""", "room")]
    [InlineData("join_room", """{"Room":"calm"}""", "room")]
    [InlineData("join_room", """{"room":"calm","room":"other"}""", "room")]
    [InlineData("join_room", """{"room":"calm","since":-1,"epoch":"e"}""", "since")]
    [InlineData("join_room", """{"room":"calm","since":"1","epoch":"e"}""", "since")]
    [InlineData("join_room", """{"room":"calm","since":1.5,"epoch":"e"}""", "since")]
    [InlineData("join_room", """{"room":"calm","since":1e3,"epoch":"e"}""", "since")]
    [InlineData("join_room", """{"room":"calm","since":9223372036854775807,"epoch":"e"}""", "since")]
    [InlineData("join_room", """{"room":"calm","since":9223372036854775808,"epoch":"e"}""", "since")]
    [InlineData("join_room", """{"room":"calm","since":1}""", "epoch")]
    [InlineData("join_room", """{"room":"calm","since":1,"epoch":7}""", "epoch")]
    [InlineData("join_room", $$"""{"room":"calm","since":1,"epoch":"{{Long65}}"}""", "epoch")]
    [InlineData("join_room", """{"room":"calm","history":-1}""", "history")]
    [InlineData("join_room", """{"room":"calm","history":201}""", "history")]
    [InlineData("join_room", """{"room":"calm","history":true}""", "history")]
    [InlineData("join_room", """{"room":"calm","history":99999999999}""", "history")]
    [InlineData("chat_message", """{"room":"calm"}""", "message")]
    [InlineData("chat_message", """{"room":"calm","message":""}""", "message")]
    [InlineData("chat_message", """{"room":"calm","message":null}""", "message")]
    [InlineData("chat_message", """{"room":"calm","message":{"text":"m"}}""", "message")]
    [InlineData("chat_message", """{"room":"calm","message":"\ud83d"}""", "message")]
    [InlineData("chat_message", """{"room":"calm","message":"\ude00\ud83d"}""", "message")]
    [InlineData("typing", """{"room":"calm"}""", "isTyping")]
    [InlineData("typing", """{"room":"calm","isTyping":"true"}""", "isTyping")]
    [InlineData("typing", """{"room":"calm","isTyping":1}""", "isTyping")]
    [InlineData("history", """{"room":"calm","before":0}""", "before")]
    [InlineData("history", """{"room":"calm","after":-1}""", "after")]
    [InlineData("history", """{"room":"calm","after":9223372036854775807}""", "after")]
    [InlineData("history", """{"room":"calm","after":1,"before":2}""", "after")]
    [InlineData("history", """{"room":"calm","limit":0}""", "limit")]
    [InlineData("history", """{"room":"calm","limit":201}""", "limit")]
    [InlineData("history", """{"room":"calm","limit":"5"}""", "limit")]
    [InlineData("members", """{"room":"calm","limit":-2147483649}""", "limit")]
    [InlineData("members", """{"room":"calm","after":""}""", "after")]
    [InlineData("members", """{"room":"calm","after":5}""", "after")]
    [InlineData("refresh_token", "{}", "token")]
    [InlineData("refresh_token", """{"token":""}""", "token")]
    [InlineData("refresh_token", """{"token":"a.b.c"}""", "token")]
    [InlineData("refresh_token", """{"token":["t"]}""", "token")]
    [InlineData("broadcast", """{"message":"m","includeIds":"all"}""", "includeIds")]
    [InlineData("broadcast", """{"message":"m","includeIds":[1]}""", "includeIds")]
    [InlineData("broadcast", """{"message":"m","includeIds":[null]}""", "includeIds")]
    [InlineData("broadcast", """{"message":"m","excludeIds":[""]}""", "excludeIds")]
    public Task A_field_that_does_not_fit_is_named(string type, string payload, string field) =>
        IsRefusedAsync($$"""{"type":"{{type}}","id":"r","payload":{{payload}}}""", "invalid_payload", $"'{field}'");

    [Theory]
    [InlineData("chat_message", "message_too_long", "Message too long (max 1000 characters)", 1_001)]
    [InlineData("chat_message", "not_in_room", "You are not in this room", 1_000)]
    [InlineData("broadcast", "message_too_long", "Message too long (max 1000 characters)", 1_001)]
    [InlineData("broadcast", "forbidden", "", 1_000)]
    [InlineData("typing", "not_in_room", "", 1)]
    [InlineData("history", "not_in_room", "", 1)]
    [InlineData("members", "not_in_room", "", 1)]
    [InlineData("leave_room", "not_in_room", "", 1)]
    public Task What_may_not_be_done_is_refused_by_its_code(string type, string code, string text, int length) =>
        IsRefusedAsync($$$"""{"type":"{{{type}}}","id":"r","payload":{"room":"elsewhere","message":"{{{new string('m', length)}}}","isTyping":true}}""", code, text);

    [Fact]
    public async Task Another_users_token_is_forbidden()
    {
        var token = Tokens.For("alice", DateTimeOffset.MaxValue.AddYears(-1));
        await IsRefusedAsync($$$"""{"type":"refresh_token","id":"r","payload":{"token":"{{{token}}}"}}""", "forbidden", "another user");
    }

    [Theory]
    [InlineData("""{"id":null,"type":"ping"}""")]
    [InlineData("""{"type":"ping","payload":null}""")]
    [InlineData("""{"type":"ping","payload":"anything"}""")]
    [InlineData("""{"more":[{"type":"x"}],"type":"ping","new":1e400}""")]
    [InlineData("""{"t\u0079pe":"ping"}""")]
    [InlineData(" \r\n\t{ \"type\" : \"ping\" } \r\n")]
    public async Task What_is_odd_and_fits_is_taken(string json)
    {
        await using var client = await room.App.ConnectAsync(room.NewUser());
        await client.SendAsync(json);
        await client.ExpectAsync("""{"type":"pong","timestamp":"*"}""");
        await room.IsUndisturbedAsync();
    }

    private async Task IsRefusedAsync(string json, string code, string text)
    {
        await using var client = await room.App.ConnectAsync(room.NewUser());
        await client.SendAsync(json);
        var error = await client.NextAsync();
        Assert.Equal("error", error.GetProperty("type").GetString());
        Assert.True(error.GetProperty("code").GetString() == code, error.GetRawText());
        Assert.Contains(text, error.GetProperty("error").GetString(), StringComparison.Ordinal);
        if (code != "invalid_message")
            Assert.Equal("r", error.GetProperty("id").GetString());
        Assert.Equal(JsonValueKind.Undefined, error.TryGetProperty("retryAfter", out var retryAfter) ? retryAfter.ValueKind : JsonValueKind.Undefined);
        Assert.Empty(await client.AllUntilPongAsync());
        await room.IsUndisturbedAsync();
    }
}
