using System.Globalization;
using System.Text.Json;
using OrleansChat.Tests.Support;

namespace OrleansChat.Tests.EndToEnd;

/// <summary>Looking back with <c>history</c>.</summary>
public sealed class HistoryTests(SharedApp shared)
{
    [Theory]
    [InlineData("", "11-60", true)]
    [InlineData(""","limit":3""", "58-60", true)]
    [InlineData(""","limit":200""", "1-60", false)]
    [InlineData(""","before":4,"limit":2""", "2-3", true)]
    [InlineData(""","before":4,"limit":3""", "1-3", false)]
    [InlineData(""","before":1""", "", false)]
    [InlineData(""","before":61,"limit":1""", "60-60", true)]
    [InlineData(""","before":9223372036854775807,"limit":1""", "60-60", true)]
    [InlineData(""","after":0,"limit":2""", "1-2", true)]
    [InlineData(""","after":57""", "58-60", false)]
    [InlineData(""","after":57,"limit":2""", "58-59", true)]
    [InlineData(""","after":60""", "", false)]
    [InlineData(""","after":1000""", "", false)]
    [InlineData(""","after":9223372036854775806""", "", false)]
    public async Task History_gives_the_stretch_asked_for_ascending_and_says_whether_there_is_more(string window, string expected, bool more)
    {
        var app = await shared.StartedAsync();
        var alice = await RoomOfSixtyAsync(app);
        await alice.SendAsync($$$"""{"type":"history","id":"h","payload":{"room":"sixty"{{{window}}}}}""");
        var answer = await alice.ExpectAsync($$"""{"type":"history","id":"h","room":"sixty","epoch":"*","messages":"*","more":{{(more ? "true" : "false")}}}""");
        var seqs = answer.GetProperty("messages").EnumerateArray().Select(message => message.GetProperty("seq").GetInt64()).ToArray();
        var ends = expected.Split('-', StringSplitOptions.RemoveEmptyEntries).Select(end => int.Parse(end, CultureInfo.InvariantCulture)).ToArray();
        Assert.Equal(ends.Length == 0 ? [] : Enumerable.Range(ends[0], ends[1] - ends[0] + 1).Select(seq => (long)seq), seqs);
        await alice.DisposeAsync();
    }

    [Fact]
    public async Task A_message_in_history_is_as_it_was_when_it_was_live()
    {
        var app = await shared.StartedAsync();
        await using var alice = await app.JoinAsync("hi-alice", "one-message");
        await alice.SendAsync("""{"type":"chat_message","payload":{"room":"one-message","message":"the \"only\" one ✓"}}""");
        var live = await alice.ExpectAsync("""{"type":"chat_message","room":"one-message","seq":1,"userId":"hi-alice","username":"hi-alice","message":"the \"only\" one ✓","timestamp":"*"}""");
        await alice.SendAsync("""{"type":"history","payload":{"room":"one-message"}}""");
        var answer = await alice.ExpectAsync("""{"type":"history","room":"one-message","epoch":"*","messages":["*"],"more":false}""");
        Assert.True(JsonElement.DeepEquals(live, answer.GetProperty("messages")[0]), answer.GetRawText());
    }

    [Theory]
    [InlineData(""","limit":0""", "limit")]
    [InlineData(""","limit":201""", "limit")]
    [InlineData(""","limit":-1""", "limit")]
    [InlineData(""","limit":1.5""", "limit")]
    [InlineData(""","limit":"5" """, "limit")]
    [InlineData(""","before":"5" """, "before")]
    [InlineData(""","before":-1""", "before")]
    [InlineData(""","after":-1""", "after")]
    [InlineData(""","after":9223372036854775808""", "after")]
    public async Task A_number_out_of_range_is_refused_by_name_and_never_clamped(string window, string field)
    {
        var app = await shared.StartedAsync();
        await using var alice = await app.JoinAsync("hi-ranges", "hi-ranges");
        await alice.SendAsync($$$"""{"type":"history","id":"h","payload":{"room":"hi-ranges"{{{window}}}}}""");
        var error = await alice.ExpectAsync("""{"type":"error","error":"*","code":"invalid_payload","id":"h"}""");
        Assert.Contains($"'{field}'", error.GetProperty("error").GetString(), StringComparison.Ordinal);
    }

    private static async Task<ChatClient> RoomOfSixtyAsync(ChatApp app)
    {
        var alice = await app.ConnectAsync("hi-sixty");
        var joined = await alice.JoinAsync("sixty");
        if (joined.GetProperty("seq").GetInt64() == 60)
            return alice;
        for (var i = 1; i <= 60; i++)
            await alice.SendAsync($$$"""{"type":"chat_message","payload":{"room":"sixty","message":"{{{i}}}"}}""");
        await alice.UntilAsync("""{"type":"chat_message","room":"sixty","seq":60,"userId":"hi-sixty","username":"hi-sixty","message":"60","timestamp":"*"}""");
        return alice;
    }
}
