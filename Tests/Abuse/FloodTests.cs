using System.Text.Json;
using OrleansChat.Tests.Support;

namespace OrleansChat.Tests.Abuse;

/// <summary>Good frames, far too many of them.</summary>
public sealed class FloodTests(AbusedRoom room) : IClassFixture<AbusedRoom>
{
    [Fact]
    public async Task Ten_thousand_joins_leaves_and_typings_do_not_hurt_the_others()
    {
        await using var socket = await room.JoinAsync();
        const string join = """{"type":"join_room","payload":{"room":"calm"}}""";
        const string leave = """{"type":"leave_room","payload":{"room":"calm"}}""";
        const string typing = """{"type":"typing","payload":{"room":"calm","isTyping":true}}""";
        var flood = Enumerable.Range(0, 10_000).SelectMany(i => RawSocket.Frame(RawSocket.Text, (i % 3) switch { 0 => leave, 1 => join, _ => typing })).ToArray();
        var sending = socket.SendAsync([.. flood, .. RawSocket.Frame(RawSocket.Text, """{"type":"ping","id":"end"}""")]);

        for (var i = 0; i < 20; i++)
            await room.IsUndisturbedAsync();
        await sending;
        await socket.UntilAsync("""{"type":"pong","id":"end",""");
        await room.IsUndisturbedAsync();
    }

    [Fact]
    public async Task Who_asks_for_rooms_without_end_is_stopped_at_the_limits()
    {
        await using var client = await room.App.ConnectAsync(room.NewUser());
        for (var i = 0; i < 300; i++)
            await client.SendAsync($$$"""{"type":"join_room","id":"{{{i}}}","payload":{"room":"flood-{{{i}}}"}}""");
        var answers = await client.AllUntilPongAsync();
        Assert.Equal(100, answers.Count(answer => Is(answer, "type", "room_joined")));
        Assert.Equal(200, answers.Count(answer => Is(answer, "code", "too_many_rooms")));
        await room.IsUndisturbedAsync();
    }

    [Fact]
    public async Task Who_makes_rooms_without_end_is_told_when_to_try_again()
    {
        await using var client = await room.App.ConnectAsync(room.NewUser());
        for (var i = 0; i < 250; i++)
        {
            await client.SendAsync($$$"""{"type":"join_room","payload":{"room":"made-{{{i}}}"}}""");
            await client.SendAsync($$$"""{"type":"leave_room","payload":{"room":"made-{{{i}}}"}}""");
        }

        var answers = await client.AllUntilPongAsync();
        Assert.Equal(200, answers.Count(answer => Is(answer, "type", "room_joined")));
        var refused = answers.Where(answer => Is(answer, "code", "rate_limited")).ToList();
        Assert.Equal(50, refused.Count);
        Assert.All(refused, answer => Assert.InRange(answer.GetProperty("retryAfter").GetInt64(), 1, 60_000));
        await room.IsUndisturbedAsync();
    }

    [Fact]
    public async Task A_flood_of_refused_frames_is_answered_frame_by_frame()
    {
        await using var socket = await room.JoinAsync();
        await socket.SendAsync([.. Enumerable.Range(0, 5_000).SelectMany(i => RawSocket.Frame(RawSocket.Text, $$"""{"type":"x","id":"{{i}}"}"""))]);
        await socket.UntilAsync("\"id\":\"4999\"");
        await room.IsUndisturbedAsync();
    }

    private static bool Is(JsonElement frame, string field, string value) => frame.TryGetProperty(field, out var found) && found.GetString() == value;
}
