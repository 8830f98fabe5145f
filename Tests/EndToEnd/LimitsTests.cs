using System.Net.WebSockets;
using OrleansChat.Tests.Support;

namespace OrleansChat.Tests.EndToEnd;

/// <summary>How much one may do, and what is said to who does more.</summary>
public sealed class LimitsTests(SharedApp shared)
{
    [Theory]
    [InlineData("""{"type":"chat_message","id":"n","payload":{"room":"ROOM","message":"x"}}""")]
    [InlineData("""{"type":"typing","id":"n","payload":{"room":"ROOM","isTyping":true}}""")]
    [InlineData("""{"type":"history","id":"n","payload":{"room":"ROOM"}}""")]
    [InlineData("""{"type":"members","id":"n","payload":{"room":"ROOM"}}""")]
    [InlineData("""{"type":"leave_room","id":"n","payload":{"room":"ROOM"}}""")]
    public async Task Who_is_not_in_a_room_does_nothing_in_it_and_does_not_learn_whether_it_exists(string json)
    {
        var app = await shared.StartedAsync();
        await using var alice = await app.JoinAsync("li-alice", "li-there");
        await using var bob = await app.ConnectAsync("li-bob");
        await bob.SendAsync(json.Replace("ROOM", "li-there", StringComparison.Ordinal));
        var there = await bob.ExpectAsync("""{"type":"error","error":"*","code":"not_in_room","id":"n"}""");
        await bob.SendAsync(json.Replace("ROOM", "li-nowhere", StringComparison.Ordinal));
        var nowhere = await bob.ExpectAsync("""{"type":"error","error":"*","code":"not_in_room","id":"n"}""");
        Assert.Equal(there.GetRawText(), nowhere.GetRawText());
        Assert.Empty(await alice.AllUntilPongAsync());
    }

    [Fact]
    public async Task A_connection_is_in_as_many_rooms_as_it_may_and_one_left_makes_place_for_another()
    {
        await using var app = await ChatApp.StartAsync(("Chat:RoomsPerConnection", "2"));
        await using var alice = await app.ConnectAsync("alice");
        await alice.JoinAsync("one");
        await alice.JoinAsync("two");
        await alice.JoinAsync("two");
        await alice.SendAsync("""{"type":"join_room","id":"j","payload":{"room":"three"}}""");
        await alice.ExpectAsync("""{"type":"error","error":"*","code":"too_many_rooms","id":"j"}""");
        await using var phone = await app.JoinAsync("alice", "three");
        await alice.SendAsync("""{"type":"leave_room","payload":{"room":"one"}}""");
        await alice.ExpectAsync("""{"type":"room_left","room":"one"}""");
        await alice.JoinAsync("three");
    }

    [Fact]
    public async Task A_full_room_takes_a_members_other_device_but_no_other_user_until_one_leaves()
    {
        await using var app = await ChatApp.StartAsync(("Chat:MembersPerRoom", "2"));
        await using var alice = await app.JoinAsync("alice", "small");
        await using var bob = await app.JoinAsync("bob", "small");
        await using var carol = await app.ConnectAsync("carol");
        await carol.SendAsync("""{"type":"join_room","id":"j","payload":{"room":"small"}}""");
        await carol.ExpectAsync("""{"type":"error","error":"*","code":"room_full","id":"j"}""");
        await carol.SendAsync("""{"type":"chat_message","id":"m","payload":{"room":"small","message":"let me in"}}""");
        await carol.ExpectAsync("""{"type":"error","error":"*","code":"not_in_room","id":"m"}""");

        await using var phone = await app.ConnectAsync("alice");
        Assert.Equal(2, (await phone.JoinAsync("small")).GetProperty("members").GetInt32());
        await bob.CloseAsync();
        await alice.UntilAsync("""{"type":"user_left","room":"small","userId":"bob","username":"bob","members":1,"timestamp":"*"}""");
        Assert.Equal(2, (await carol.JoinAsync("small")).GetProperty("members").GetInt32());
    }

    [Fact]
    public async Task A_user_brings_so_many_rooms_a_minute_into_being_and_joins_as_many_others_as_there_are()
    {
        await using var app = await ChatApp.StartAsync(("Chat:NewRoomsPerMinute", "2"));
        await using var bob = await app.JoinAsync("bob", "of-bob");
        await using var alice = await app.ConnectAsync("alice");
        await alice.JoinAsync("one");
        await alice.JoinAsync("two");
        await alice.SendAsync("""{"type":"join_room","id":"j","payload":{"room":"three"}}""");
        var error = await alice.ExpectAsync("""{"type":"error","error":"*","code":"rate_limited","id":"j","retryAfter":"*"}""");
        Assert.InRange(error.GetProperty("retryAfter").GetInt64(), 1, 60_000);
        await using var phone = await app.ConnectAsync("alice");
        await phone.SendAsync("""{"type":"join_room","id":"j","payload":{"room":"three"}}""");
        await phone.ExpectAsync("""{"type":"error","error":"*","code":"rate_limited","id":"j","retryAfter":"*"}""");
        await alice.JoinAsync("of-bob");
        await bob.SendAsync("""{"type":"join_room","payload":{"room":"three"}}""");
        await bob.UntilAsync("""{"type":"room_joined","room":"three","members":1,"seq":0,"epoch":"*"}""");
    }

    [Fact]
    public async Task Who_sends_too_much_is_told_when_to_go_on_and_may_answer_pings_all_the_same()
    {
        await using var app = await ChatApp.StartAsync(("Chat:MessagesPerSecond", "1"), ("Chat:MessageBurst", "3"));
        await using var alice = await app.ConnectAsync("alice");
        for (var i = 0; i < 200; i++)
            await alice.SendAsync("""{"type":"pong"}""");
        foreach (var frame in new[] { """{"type":"ping"}""", "nonsense", """{"type":"fly"}""" })
            await alice.SendAsync(frame);
        await alice.ExpectAsync("""{"type":"pong","timestamp":"*"}""");
        await alice.ExpectAsync("""{"type":"error","error":"Invalid message format","code":"invalid_message"}""");
        await alice.ExpectAsync("""{"type":"error","error":"Unknown message type: fly","code":"unknown_type"}""");

        await alice.SendAsync("""{"type":"ping","id":"too-much"}""");
        var error = await alice.ExpectAsync("""{"type":"error","error":"*","code":"rate_limited","id":"too-much","retryAfter":"*"}""");
        Assert.InRange(error.GetProperty("retryAfter").GetInt64(), 1, 1_000);
        await using var phone = await app.ConnectAsync("alice");
        Assert.Empty(await phone.AllUntilPongAsync());
    }

    [Fact]
    public async Task Who_keeps_sending_too_much_is_closed_with_1008_after_50_refusals()
    {
        await using var app = await ChatApp.StartAsync(("Chat:MessagesPerSecond", "1"), ("Chat:MessageBurst", "1"));
        await using var alice = await app.ConnectAsync("alice");
        await using var bob = await app.ConnectAsync("bob");
        // A few seconds' worth more, for a machine that is slow to send them.
        try
        {
            for (var i = 0; i < 70; i++)
                await alice.SendAsync("""{"type":"ping","id":"p"}""");
        }
        catch (WebSocketException)
        {
            // It is closed already, whatever the last of them said.
        }

        Assert.Equal(1008, (await alice.ClosedAsync()).Code);
        var refusals = 0;
        while (refusals < 50)
        {
            if ((await alice.NextAsync()).GetProperty("type").ValueEquals("error"))
                refusals++;
        }

        await Assert.ThrowsAnyAsync<Exception>(() => alice.NextAsync());
        Assert.Empty(await bob.AllUntilPongAsync());
    }

    [Fact]
    public async Task Twenty_frames_a_second_and_forty_at_once_are_a_users_defaults()
    {
        await using var app = await ChatApp.StartAsync(("Chat:MessagesPerSecond", "20"));
        await using var alice = await app.ConnectAsync("alice");
        for (var i = 0; i < 40; i++)
            await alice.SendAsync("""{"type":"ping"}""");
        for (var i = 0; i < 40; i++)
            await alice.ExpectAsync("""{"type":"pong","timestamp":"*"}""");
    }
}
