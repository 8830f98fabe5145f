using OrleansChat.Tests.Support;

namespace OrleansChat.Tests.Abuse;

/// <summary>The rate limit as it is by default: 20 frames a second, 40 at once.</summary>
public sealed class RateLimitTests(RateLimitTests.LimitedRoom room) : IClassFixture<RateLimitTests.LimitedRoom>
{
    [Fact]
    public async Task Who_is_too_fast_is_told_when_to_try_again_and_closed_with_1008_after_fifty_refusals()
    {
        await using var socket = await RawSocket.UpgradeAsync(room.App.Address, room.NewUser());
        await socket.SendAsync([.. Enumerable.Range(0, 2_000).SelectMany(i => RawSocket.Frame(RawSocket.Text, $$"""{"type":"ping","id":"{{i}}"}"""))]);
        var all = await socket.ReadToEndAsync();

        Assert.Equal(1008, all[^1].CloseCode);
        var refused = all.Where(frame => frame.Payload.Contains("\"rate_limited\"", StringComparison.Ordinal)).ToList();
        Assert.Equal(50, refused.Count);
        Assert.All(refused, frame => Assert.Matches("\"id\":\"[0-9]+\",\"retryAfter\":[1-9][0-9]*}$", frame.Payload));
        Assert.InRange(all.Count(frame => frame.Payload.Contains("\"pong\"", StringComparison.Ordinal)), 40, 240);
        await room.IsUndisturbedAsync();
    }

    [Fact]
    public async Task Pongs_are_never_too_many_and_frames_that_are_none_count_like_frames()
    {
        await using var socket = await RawSocket.UpgradeAsync(room.App.Address, room.NewUser());
        await socket.SendAsync([.. Enumerable.Repeat(RawSocket.Frame(RawSocket.Text, """{"type":"pong"}"""), 2_000).SelectMany(frame => frame)]);
        await socket.SayAsync("""{"type":"ping","id":"still"}""");
        await socket.UntilAsync("""{"type":"pong","id":"still",""");
        await socket.SendAsync([.. Enumerable.Repeat(RawSocket.Frame(RawSocket.Text, "{"), 2_000).SelectMany(frame => frame)]);
        Assert.Equal(1008, (await socket.ClosedAsync()).CloseCode);
        await room.IsUndisturbedAsync();
    }

    public sealed class LimitedRoom : AbusedRoom
    {
        protected override (string Key, string Value)[] Settings => [("Chat:MessagesPerSecond", "20")];
    }
}
