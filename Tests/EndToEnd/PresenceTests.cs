using OrleansChat.Grains.Interfaces;
using OrleansChat.Tests.Support;

namespace OrleansChat.Tests.EndToEnd;

/// <summary>Who is there, who came and went, who types.</summary>
public sealed class PresenceTests(SharedApp shared)
{
    [Fact]
    public async Task Typing_is_told_to_the_other_users_at_most_once_a_second_and_the_last_word_arrives()
    {
        var app = await shared.StartedAsync();
        await using var alice = await app.JoinAsync("pr-alice", "pr-typing");
        await using var bob = await app.JoinAsync("pr-bob", "pr-typing");
        await using var phone = await app.JoinAsync("pr-bob", "pr-typing");
        await alice.ExpectAsync("""{"type":"user_joined","room":"pr-typing","userId":"pr-bob","username":"pr-bob","members":2,"timestamp":"*"}""");
        var begin = TimeProvider.System.GetTimestamp();
        for (var i = 0; i < 10; i++)
            await bob.SendAsync($$$"""{"type":"typing","payload":{"room":"pr-typing","isTyping":{{{(i % 2 == 0 ? "true" : "false")}}}}}""");
        await alice.ExpectAsync("""{"type":"typing","room":"pr-typing","userId":"pr-bob","username":"pr-bob","isTyping":true}""");
        await alice.ExpectAsync("""{"type":"typing","room":"pr-typing","userId":"pr-bob","username":"pr-bob","isTyping":false}""");
        Assert.InRange(TimeProvider.System.GetElapsedTime(begin).TotalSeconds, 1, 120);
        Assert.Empty(await alice.AllUntilPongAsync());
        Assert.Empty(await bob.AllUntilPongAsync());
        Assert.Empty(await phone.AllUntilPongAsync());
    }

    [Fact]
    public async Task Three_hundred_who_join_a_room_cost_frames_in_proportion_to_their_number_and_not_to_its_square()
    {
        const int count = 300;
        await using var app = await ChatApp.StartAsync(("Chat:PresenceDetailLimit", "5"));
        var begin = TimeProvider.System.GetTimestamp();
        await using var witness = await app.JoinAsync("witness", "crowd");
        var members = await JoinAllAsync(app, "crowd", count - 1);
        var (joins, counts) = (0, 0);
        for (var last = 0; last < count; counts++)
        {
            var frame = await witness.NextAsync("the occupancy rises to 300");
            for (; frame.GetProperty("type").ValueEquals("user_joined"); joins++)
                frame = await witness.NextAsync("the occupancy rises to 300");
            Assert.True(JsonPattern.Matches("""{"type":"occupancy","room":"crowd","members":"*"}""", frame), frame.GetRawText());
            last = frame.GetProperty("members").GetInt32();
        }

        var seconds = (int)TimeProvider.System.GetElapsedTime(begin).TotalSeconds;
        Assert.InRange(joins, 0, 5);
        Assert.InRange(counts, 1, seconds + 1);
        var frames = 0;
        foreach (var member in members)
            frames += (await member.AllUntilPongAsync()).Count;
        Assert.InRange(frames, 1, count * (seconds + 1 + 5));
        await Task.WhenAll(members.Select(member => member.DisposeAsync().AsTask()));
    }

    [Fact]
    public async Task Five_hundred_connections_cut_without_a_close_leave_no_ghosts()
    {
        const int count = 500;
        await using var app = await ChatApp.StartAsync();
        await using var witness = await app.JoinAsync("witness", "crowd");
        var members = await JoinAllAsync(app, "crowd", count);
        await witness.UntilAsync($$"""{"type":"occupancy","room":"crowd","members":{{count + 1}}}""");

        foreach (var member in members)
            member.Abort();
        while ((await witness.NextAsync("the last of 500 is told to have left")).GetProperty("members").GetInt32() != 1)
        {
        }

        await witness.SendAsync("""{"type":"members","payload":{"room":"crowd"}}""");
        await witness.UntilAsync("""{"type":"members","room":"crowd","members":1,"users":[{"userId":"witness","username":"witness","connections":1}],"more":false}""");
        await using var late = await app.ConnectAsync("late");
        Assert.Equal(2, (await late.JoinAsync("crowd")).GetProperty("members").GetInt32());
        await Task.WhenAll(members.Select(member => member.DisposeAsync().AsTask()));
        await NobodyIsLeftAsync().Soon("no user that was cut has a session");

        async Task NobodyIsLeftAsync()
        {
            for (var i = 0; i < count; i++)
            {
                while ((await app.Grains.GetGrain<IUserGrain>($"user-{i}").Sessions()).Length > 0)
                    await Task.Yield();
            }
        }
    }

    private static async Task<ChatClient[]> JoinAllAsync(ChatApp app, string room, int count)
    {
        var members = new ChatClient[count];
        await Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (i, _) =>
        {
            members[i] = await app.ConnectAsync($"user-{i}");
            await members[i].SendAsync($$$"""{"type":"join_room","payload":{"room":"{{{room}}}"}}""");
            await members[i].ExpectAsync($$"""{"type":"room_joined","room":"{{room}}","members":"*","seq":0,"epoch":"*"}""");
        });
        return members;
    }
}
