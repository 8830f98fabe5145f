using System.Text.Json;
using OrleansChat.Tests.Support;

namespace OrleansChat.Tests.EndToEnd;

/// <summary>Joining while others publish as fast as they can: between one <c>room_joined</c> and the next, seqs come one by one.</summary>
public sealed class JoiningUnderLoadTests
{
    private const int Publishers = 3;
    private const int Each = 1_000;
    private const int All = Publishers * Each;

    /// <summary>Almost 3,000 bytes of UTF-8.</summary>
    private static readonly string LongText = new('語', 990);

    [Fact]
    public async Task Whoever_joins_while_thousands_of_messages_are_published_sees_no_gap_and_no_repeat()
    {
        await using var app = await ChatApp.StartAsync(("Chat:ConnectionsPerUser", "1000"));
        await using var alice = await app.ConnectAsync("alice");
        var epoch = (await alice.JoinAsync("busy")).GetProperty("epoch").GetString()!;
        var publishing = Enumerable.Range(1, Publishers).Select(p => PublishAsync(app, $"publisher-{p}", "busy", Each)).ToList();

        // One more joiner for every 100 messages, in all three ways in turn.
        var joiners = new List<Task>();
        for (var seq = 0L; seq < All; seq = await NextSeqAsync(alice, "busy"))
        {
            if (seq % 100 == 0)
                joiners.Add(JoinAsync(app, joiners.Count, epoch));
        }

        await Task.WhenAll(publishing).Soon("all is published");
        await Task.WhenAll(joiners).Soon("every joiner sees the last message");
        Assert.Equal(All / 100, joiners.Count);
    }

    [Fact]
    public async Task Whoever_joins_again_and_again_sees_no_gap_and_no_repeat_behind_any_of_the_answers()
    {
        await using var app = await ChatApp.StartAsync();
        await using var bob = await app.ConnectAsync("bob");
        var epoch = (await bob.JoinAsync("again")).GetProperty("epoch").GetString()!;
        var publishing = PublishAsync(app, "publisher", "again", All);
        var joining = JoinAgainAsync();

        var expected = 1L;
        var answers = 0;
        while (expected <= All || answers < 100)
        {
            var frame = await bob.NextAsync($"message {expected} of {All}, {answers} answers so far");
            if (frame.GetProperty("type").ValueEquals("room_joined"))
            {
                // Asked since 0 every other time: everything again. Otherwise on as before.
                if (frame.TryGetProperty("recovered", out var recovered))
                    expected = recovered.GetBoolean() ? 1 : long.MaxValue;
                answers++;
            }
            else if (frame.GetProperty("type").ValueEquals("chat_message"))
            {
                Assert.True(expected == frame.GetProperty("seq").GetInt64(), $"expected seq {expected} behind answer {answers}, got {frame.GetRawText()}");
                expected++;
            }
        }

        await Task.WhenAll(publishing, joining).Soon("all is published");

        async Task JoinAgainAsync()
        {
            for (var i = 1; i <= 100; i++)
            {
                await bob.SendAsync(i % 2 == 0
                    ? $$$"""{"type":"join_room","payload":{"room":"again","since":0,"epoch":"{{{epoch}}}"}}"""
                    : """{"type":"join_room","payload":{"room":"again"}}""");
                if (i % 10 == 0)
                    await app.Grains.GetGrain<Grains.Interfaces.IRoomGrain>("again").ReadBefore(long.MaxValue, 200);
            }
        }
    }

    [Fact]
    public async Task A_replay_longer_than_a_page_and_than_the_outbox_reaches_a_slow_reader_whole_and_nobody_waits_for_it()
    {
        // More than the kernel holds for a client that does not read.
        const int before = 3_000;
        await using var app = await ChatApp.StartAsync(("Chat:OutboxBytes", "65536"));
        await using var alice = await app.ConnectAsync("alice");
        var epoch = (await alice.JoinAsync("long")).GetProperty("epoch").GetString()!;
        await PublishAsync(alice, "long", before, LongText);

        await using var slow = await RawSocket.UpgradeAsync(app.Address, "slow", receiveBuffer: 4_096);
        await slow.SayAsync($$$"""{"type":"join_room","payload":{"room":"long","since":0,"epoch":"{{{epoch}}}"}}""");
        await alice.UntilAsync("""{"type":"user_joined","room":"long","userId":"slow","username":"slow","members":2,"timestamp":"*"}""");
        await PublishAsync(alice, "long", 100, LongText);

        Assert.True((await slow.NextAsync()).GetProperty("recovered").GetBoolean());
        for (var seq = 1; seq <= before + 100; seq++)
            Assert.Equal(seq, (await slow.NextAsync()).GetProperty("seq").GetInt64());
        await alice.SendAsync("""{"type":"chat_message","payload":{"room":"long","message":"last"}}""");
        Assert.Equal("last", (await slow.NextAsync()).GetProperty("message").GetString());
    }

    [Fact]
    public async Task A_reader_that_stops_is_closed_with_1013_recovers_all_it_missed_and_the_room_does_not_slow_down()
    {
        const int count = 4_000;
        await using var app = await ChatApp.StartAsync(("Chat:OutboxBytes", "262144"));
        await using var alice = await app.ConnectAsync("alice");
        var epoch = (await alice.JoinAsync("stopped")).GetProperty("epoch").GetString()!;
        await using var stopped = await RawSocket.UpgradeAsync(app.Address, "stopped", receiveBuffer: 4_096);
        await stopped.SayAsync("""{"type":"join_room","payload":{"room":"stopped"}}""");
        Assert.Equal("room_joined", (await stopped.NextAsync()).GetProperty("type").GetString());
        await PublishAsync(alice, "stopped", count, LongText);

        var seen = 0L;
        var frame = await stopped.ReadFrameAsync();
        for (; frame.First == RawSocket.Text; frame = await stopped.ReadFrameAsync())
            Assert.Equal(++seen, JsonElement.Parse(frame.Bytes).GetProperty("seq").GetInt64());
        Assert.Equal((RawSocket.Close, 1013), (frame.First, frame.CloseCode));
        Assert.InRange(seen, 1, count - 1);

        await using var again = await app.ConnectAsync("stopped");
        await again.SendAsync($$$"""{"type":"join_room","payload":{"room":"stopped","since":{{{seen}}},"epoch":"{{{epoch}}}"}}""");
        await again.ExpectAsync($$"""{"type":"room_joined","room":"stopped","members":"*","seq":{{count}},"epoch":"{{epoch}}","recovered":true}""");
        while (seen < count)
            Assert.Equal(++seen, (await again.NextAsync()).GetProperty("seq").GetInt64());
    }

    [Fact]
    public async Task Who_comes_back_to_many_rooms_at_once_and_reads_slowly_gets_all_that_it_missed_in_each()
    {
        const int rooms = 40;
        const int each = 50;
        await using var app = await ChatApp.StartAsync(("Chat:OutboxBytes", "262144"));
        await using var alice = await app.ConnectAsync("alice");
        await using var slow = await RawSocket.UpgradeAsync(app.Address, "slow", receiveBuffer: 4_096);
        for (var room = 1; room <= rooms; room++)
        {
            var epoch = (await alice.JoinAsync($"room-{room}")).GetProperty("epoch").GetString()!;
            await PublishAsync(alice, $"room-{room}", each, LongText);
            await alice.SendAsync($$$"""{"type":"leave_room","payload":{"room":"room-{{{room}}}"}}""");
            await alice.UntilAsync($$"""{"type":"room_left","room":"room-{{room}}"}""");
            await slow.SayAsync($$$"""{"type":"join_room","payload":{"room":"room-{{{room}}}","since":0,"epoch":"{{{epoch}}}"}}""");
        }

        var seen = new Dictionary<string, long>(StringComparer.Ordinal);
        while (seen.Count < rooms || seen.Values.Any(seq => seq < each))
        {
            var frame = await slow.NextAsync();
            var room = frame.GetProperty("room").GetString()!;
            if (frame.GetProperty("type").ValueEquals("room_joined"))
                seen.Add(room, 0);
            else
                Assert.Equal(++seen[room], frame.GetProperty("seq").GetInt64());
        }
    }

    private static async Task JoinAsync(ChatApp app, int number, string epoch)
    {
        await using var client = await app.ConnectAsync("joiner");
        var look = (number % 3) switch { 0 => $$""","since":0,"epoch":"{{epoch}}" """, 1 => """,  "history":200""", _ => "" };
        await client.SendAsync($$$"""{"type":"join_room","payload":{"room":"busy"{{{look}}}}}""");
        var joined = await client.NextAsync();
        Assert.True(joined.GetProperty("type").ValueEquals("room_joined"), joined.GetRawText());
        var head = joined.GetProperty("seq").GetInt64();
        // Since 0; the last 200; nothing but what comes.
        var next = (number % 3) switch { 0 => 1, 1 => Math.Max(1, head - 199), _ => head + 1 };
        for (; next <= All; next++)
            Assert.Equal(next, await NextSeqAsync(client, "busy"));
        Assert.DoesNotContain(await client.AllUntilPongAsync(), frame => frame.GetProperty("type").ValueEquals("chat_message"));
    }

    private static async Task<long> NextSeqAsync(ChatClient client, string room)
    {
        while (true)
        {
            var frame = await client.NextAsync($"another message of room {room}");
            if (frame.GetProperty("type").ValueEquals("chat_message"))
                return frame.GetProperty("seq").GetInt64();
            Assert.Matches("^(user_joined|user_left|occupancy)$", frame.GetProperty("type").GetString());
        }
    }

    private static async Task PublishAsync(ChatApp app, string userId, string room, int count)
    {
        await using var client = await app.ConnectAsync(userId);
        await client.JoinAsync(room);
        await PublishAsync(client, room, count, new string('x', 500), userId);
    }

    /// <summary>Publishes ten ahead of what comes back: a publisher that does not read would be a slow consumer itself.</summary>
    private static async Task PublishAsync(ChatClient client, string room, int count, string text, string userId = "alice")
    {
        for (var i = 1; i <= count; i++)
        {
            await client.SendAsync($$$"""{"type":"chat_message","payload":{"room":"{{{room}}}","message":"{{{i}}}{{{text}}}"}}""");
            if (i % 10 == 0)
                await client.UntilAsync($$"""{"type":"chat_message","room":"{{room}}","seq":"*","userId":"{{userId}}","username":"{{userId}}","message":"{{i}}{{text}}","timestamp":"*"}""");
        }
    }
}
