using OrleansChat.Grains.Interfaces;
using OrleansChat.Tests.Support;

namespace OrleansChat.Tests.EndToEnd;

/// <summary>Joining, leaving, joining again; what a room tells to who comes.</summary>
public sealed class JoiningTests(SharedApp shared) : IAsyncDisposable
{
    private ChatClient? _alice;

    public ValueTask DisposeAsync() => _alice?.DisposeAsync() ?? ValueTask.CompletedTask;

    [Fact]
    public async Task Who_joins_since_0_gets_the_room_from_its_first_message()
    {
        var (app, epoch) = await RoomAsync("jo-first", messages: 3);
        await using var bob = await app.ConnectAsync("jo-bob");
        await bob.SendAsync($$$"""{"type":"join_room","id":"j","payload":{"room":"jo-first","since":0,"epoch":"{{{epoch}}}"}}""");
        await bob.ExpectAsync($$"""{"type":"room_joined","id":"j","room":"jo-first","members":2,"seq":3,"epoch":"{{epoch}}","recovered":true}""");
        await ExpectReplayAsync(bob, "jo-first", 1, 2, 3);
        Assert.Empty(await bob.AllUntilPongAsync());
    }

    [Theory]
    [InlineData(1, new[] { 2, 3 })]
    [InlineData(3, new int[0])]
    public async Task Who_comes_back_gets_what_followed_the_last_seq_it_saw(int since, int[] missed)
    {
        var room = $"jo-since-{since}";
        var (app, epoch) = await RoomAsync(room, messages: 3);
        await using var bob = await app.ConnectAsync("jo-bob");
        await bob.SendAsync($$$"""{"type":"join_room","payload":{"epoch":"{{{epoch}}}","since":{{{since}}},"room":"{{{room}}}"}}""");
        await bob.ExpectAsync($$"""{"type":"room_joined","room":"{{room}}","members":2,"seq":3,"epoch":"{{epoch}}","recovered":true}""");
        await ExpectReplayAsync(bob, room, missed);
        Assert.Empty(await bob.AllUntilPongAsync());
    }

    [Theory]
    [InlineData("0", "some-other-epoch")]
    [InlineData("4", null)]
    [InlineData("9223372036854775806", null)]
    public async Task Who_saw_what_the_log_does_not_hold_is_told_so_and_gets_the_newest_history(string since, string? otherEpoch)
    {
        var room = $"jo-unknown-{since}";
        var (app, epoch) = await RoomAsync(room, messages: 3);
        await using var bob = await app.ConnectAsync("jo-bob");
        await bob.SendAsync($$$"""{"type":"join_room","payload":{"room":"{{{room}}}","since":{{{since}}},"epoch":"{{{otherEpoch ?? epoch}}}"}}""");
        await bob.ExpectAsync($$"""{"type":"room_joined","room":"{{room}}","members":2,"seq":3,"epoch":"{{epoch}}","recovered":false}""");
        await ExpectReplayAsync(bob, room, 1, 2, 3);
        Assert.Empty(await bob.AllUntilPongAsync());
    }

    [Fact]
    public async Task Who_was_away_for_longer_than_the_log_reaches_back_is_told_so()
    {
        await using var app = await ChatApp.StartAsync(("Chat:RoomLogLength", "3"), ("Chat:RoomLogAge", "00:00:00"));
        await using var alice = await app.ConnectAsync("jo-alice");
        var epoch = (await alice.JoinAsync("short")).GetProperty("epoch").GetString();
        for (var i = 1; i <= 6; i++)
        {
            await alice.SendAsync($$$"""{"type":"chat_message","payload":{"room":"short","message":"text {{{i}}}"}}""");
            var said = await alice.ExpectAsync($$"""{"type":"chat_message","room":"short","seq":{{i}},"userId":"jo-alice","username":"jo-alice","message":"text {{i}}","timestamp":"*"}""");
            // Older than no time at all: its millisecond has to be over.
            while (TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds() <= said.GetProperty("timestamp").GetInt64())
                await Task.Yield();
        }

        // What exceeds the log's length goes behind the answer to who made it exceed.
        var room = app.Grains.GetGrain<IRoomGrain>("short");
        await UntilTrimmedAsync().Soon("the log begins at its fourth message");
        await using var bob = await app.ConnectAsync("jo-bob");
        await bob.SendAsync($$$"""{"type":"join_room","payload":{"room":"short","since":3,"epoch":"{{{epoch}}}"}}""");
        await bob.ExpectAsync($$"""{"type":"room_joined","room":"short","members":2,"seq":6,"epoch":"{{epoch}}","recovered":true}""");
        await ExpectReplayAsync(bob, "short", 4, 5, 6);
        await bob.SendAsync($$$"""{"type":"join_room","payload":{"room":"short","since":2,"epoch":"{{{epoch}}}"}}""");
        await bob.ExpectAsync($$"""{"type":"room_joined","room":"short","members":2,"seq":6,"epoch":"{{epoch}}","recovered":false}""");
        await ExpectReplayAsync(bob, "short", 4, 5, 6);
        await bob.SendAsync("""{"type":"history","payload":{"room":"short","before":6,"limit":5}}""");
        var history = await bob.ExpectAsync("""{"type":"history","room":"short","epoch":"*","messages":["*","*"],"more":false}""");
        Assert.Equal([4L, 5L], history.GetProperty("messages").EnumerateArray().Select(message => message.GetProperty("seq").GetInt64()));

        async Task UntilTrimmedAsync()
        {
            while ((await room.Read(1, 1)).First < 4)
                TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
        }
    }

    [Theory]
    [InlineData(0, new int[0])]
    [InlineData(2, new[] { 4, 5 })]
    [InlineData(200, new[] { 1, 2, 3, 4, 5 })]
    public async Task Who_looks_back_on_joining_gets_as_many_messages_as_it_counts(int count, int[] expected)
    {
        var room = $"jo-history-{count}";
        var (app, epoch) = await RoomAsync(room, messages: 5);
        await using var bob = await app.ConnectAsync("jo-bob");
        await bob.SendAsync($$$"""{"type":"join_room","payload":{"room":"{{{room}}}","history":{{{count}}}}}""");
        await bob.ExpectAsync($$"""{"type":"room_joined","room":"{{room}}","members":2,"seq":5,"epoch":"{{epoch}}"}""");
        await ExpectReplayAsync(bob, room, expected);
        Assert.Empty(await bob.AllUntilPongAsync());
    }

    [Theory]
    [InlineData(""","since":1""", "epoch")]
    [InlineData(""","since":-1,"epoch":"e" """, "since")]
    [InlineData(""","since":1.5,"epoch":"e" """, "since")]
    [InlineData(""","since":"1","epoch":"e" """, "since")]
    [InlineData(""","since":1,"epoch":7""", "epoch")]
    [InlineData(""","since":1,"epoch":"12345678901234567890123456789012345678901234567890123456789012345" """, "epoch")]
    [InlineData(""","history":201""", "history")]
    [InlineData(""","history":-1""", "history")]
    [InlineData(""","history":true""", "history")]
    public async Task A_join_that_does_not_fit_is_refused_by_the_name_of_its_field_and_joins_nothing(string fields, string field)
    {
        var app = await shared.StartedAsync();
        await using var bob = await app.ConnectAsync("jo-bob");
        await bob.SendAsync($$$"""{"type":"join_room","id":"j","payload":{"room":"jo-nothing"{{{fields}}}}}""");
        var error = await bob.ExpectAsync("""{"type":"error","error":"*","code":"invalid_payload","id":"j"}""");
        Assert.Contains($"'{field}'", error.GetProperty("error").GetString(), StringComparison.Ordinal);
        await bob.SendAsync("""{"type":"members","payload":{"room":"jo-nothing"}}""");
        await bob.ExpectAsync("""{"type":"error","error":"*","code":"not_in_room"}""");
    }

    [Fact]
    public async Task Joining_again_answers_again_replays_what_is_asked_for_and_changes_nothing_else()
    {
        var (app, epoch) = await RoomAsync("jo-again", messages: 2);
        await using var bob = await app.JoinAsync("jo-bob", "jo-again");
        await using var carol = await app.JoinAsync("jo-carol", "jo-again");
        await bob.ExpectAsync("""{"type":"user_joined","room":"jo-again","userId":"jo-carol","username":"jo-carol","members":3,"timestamp":"*"}""");

        await carol.SendAsync("""{"type":"join_room","id":"again","payload":{"room":"jo-again"}}""");
        await carol.ExpectAsync($$"""{"type":"room_joined","id":"again","room":"jo-again","members":3,"seq":2,"epoch":"{{epoch}}"}""");
        await carol.SendAsync($$$"""{"type":"join_room","payload":{"room":"jo-again","since":1,"epoch":"{{{epoch}}}"}}""");
        await carol.ExpectAsync($$"""{"type":"room_joined","room":"jo-again","members":3,"seq":2,"epoch":"{{epoch}}","recovered":true}""");
        await ExpectReplayAsync(carol, "jo-again", 2);
        await bob.PublishAsync("jo-again", "m3", "text 3");
        await carol.ExpectAsync("""{"type":"chat_message","room":"jo-again","seq":3,"userId":"jo-bob","username":"jo-bob","message":"text 3","timestamp":"*"}""");
        Assert.Empty(await carol.AllUntilPongAsync());

        // Joined twice, left once: gone.
        await carol.SendAsync("""{"type":"leave_room","id":"bye","payload":{"room":"jo-again"}}""");
        await carol.ExpectAsync("""{"type":"room_left","id":"bye","room":"jo-again"}""");
        await bob.UntilAsync("""{"type":"user_left","room":"jo-again","userId":"jo-carol","username":"jo-carol","members":2,"timestamp":"*"}""");
    }

    [Fact]
    public async Task Who_has_left_hears_no_more_and_may_come_again()
    {
        var app = await shared.StartedAsync();
        await using var alice = await app.JoinAsync("jo-alice", "jo-left");
        await using var bob = await app.JoinAsync("jo-bob", "jo-left");
        await bob.SendAsync("""{"type":"leave_room","payload":{"room":"jo-left"}}""");
        await bob.ExpectAsync("""{"type":"room_left","room":"jo-left"}""");
        await alice.PublishAsync("jo-left", "m1", "nobody hears it");
        Assert.Empty(await bob.AllUntilPongAsync());
        await bob.SendAsync("""{"type":"join_room","payload":{"room":"jo-left","history":1}}""");
        await bob.ExpectAsync("""{"type":"room_joined","room":"jo-left","members":2,"seq":1,"epoch":"*"}""");
        await bob.ExpectAsync("""{"type":"chat_message","room":"jo-left","seq":1,"userId":"jo-alice","username":"jo-alice","message":"nobody hears it","timestamp":"*","replay":true}""");
    }

    [Fact]
    public async Task Two_devices_of_one_user_are_one_member()
    {
        var app = await shared.StartedAsync();
        await using var alice = await app.JoinAsync("jo-alice", "jo-devices");
        var phone = await app.JoinAsync("jo-bob", "jo-devices");
        await alice.ExpectAsync("""{"type":"user_joined","room":"jo-devices","userId":"jo-bob","username":"jo-bob","members":2,"timestamp":"*"}""");
        await using var desk = await app.ConnectAsync("jo-bob");
        Assert.Equal(2, (await desk.JoinAsync("jo-devices")).GetProperty("members").GetInt32());
        await alice.SendAsync("""{"type":"members","id":"w","payload":{"room":"jo-devices"}}""");
        await alice.ExpectAsync("""
            {"type":"members","id":"w","room":"jo-devices","members":2,"more":false,
             "users":[{"userId":"jo-alice","username":"jo-alice","connections":1},{"userId":"jo-bob","username":"jo-bob","connections":2}]}
            """);

        await phone.CloseAsync();
        await phone.DisposeAsync();
        await desk.PublishAsync("jo-devices", "m1", "still here");
        await alice.ExpectAsync("""{"type":"chat_message","room":"jo-devices","seq":1,"userId":"jo-bob","username":"jo-bob","message":"still here","timestamp":"*"}""");
        await desk.CloseAsync();
        await alice.ExpectAsync("""{"type":"user_left","room":"jo-devices","userId":"jo-bob","username":"jo-bob","members":1,"timestamp":"*"}""");
    }

    [Fact]
    public async Task Members_come_in_pages_by_user_id()
    {
        var app = await shared.StartedAsync();
        var clients = new List<ChatClient>();
        foreach (var user in new[] { "pa-c", "pa-a", "pa-ü", "pa-B", "pa-b" })
            clients.Add(await app.JoinAsync(user, "jo-pages"));

        var (seen, after, more) = (new List<string>(), "", true);
        while (more)
        {
            await clients[^1].SendAsync($$$"""{"type":"members","payload":{"room":"jo-pages","limit":2{{{after}}}}}""");
            var page = await clients[^1].UntilAsync($$"""{"type":"members","room":"jo-pages","members":5,"users":"*","more":{{(seen.Count < 4 ? "true" : "false")}}}""");
            seen.AddRange(page.GetProperty("users").EnumerateArray().Select(user => user.GetProperty("userId").GetString()!));
            (after, more) = ($$""","after":"{{seen[^1]}}" """, page.GetProperty("more").GetBoolean());
        }

        Assert.Equal(["pa-B", "pa-a", "pa-b", "pa-c", "pa-ü"], seen, StringComparer.Ordinal);
        foreach (var client in clients)
            await client.DisposeAsync();
    }

    [Fact]
    public async Task Who_joins_after_an_ack_finds_that_message_in_the_head()
    {
        var app = await shared.StartedAsync();
        await using var alice = await app.JoinAsync("jo-alice", "jo-head");
        await using var bob = await app.ConnectAsync("jo-bob");
        for (var i = 1; i <= 200; i++)
        {
            await alice.PublishAsync("jo-head", $"m{i}", "text");
            Assert.Equal(i, (await bob.JoinAsync("jo-head")).GetProperty("seq").GetInt64());
            Assert.Empty(await bob.AllUntilPongAsync());
            await bob.SendAsync("""{"type":"leave_room","payload":{"room":"jo-head"}}""");
            await bob.ExpectAsync("""{"type":"room_left","room":"jo-head"}""");
        }
    }

    private async Task<(ChatApp App, string Epoch)> RoomAsync(string room, int messages)
    {
        var app = await shared.StartedAsync();
        var alice = _alice = await app.ConnectAsync("jo-alice");
        var epoch = (await alice.JoinAsync(room)).GetProperty("epoch").GetString()!;
        for (var i = 1; i <= messages; i++)
            await alice.PublishAsync(room, $"m{i}", $"text {i}");
        return (app, epoch);
    }

    private static async Task ExpectReplayAsync(ChatClient client, string room, params int[] seqs)
    {
        foreach (var seq in seqs)
            await client.ExpectAsync($$"""{"type":"chat_message","room":"{{room}}","seq":{{seq}},"userId":"jo-alice","username":"jo-alice","message":"text {{seq}}","timestamp":"*","replay":true}""");
    }
}
