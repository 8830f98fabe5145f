using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using OrleansChat.Tests.Support;
using OrleansChat.WebFront.Rooms;

namespace OrleansChat.Tests.Abuse;

/// <summary>Clients that do not read: they are the only ones who notice.</summary>
public sealed class SlowReaderTests(SlowReaderTests.SmallOutboxes room) : IClassFixture<SlowReaderTests.SmallOutboxes>
{
    private const int TextLength = 20_000;
    private const int Messages = 400; // 8 MB: what the kernel keeps (up to 4 MB here), and the outbox, and more
    private const int ReceiveBuffer = 4_096;

    [Fact]
    public async Task Who_stops_reading_is_closed_with_1013_alone_and_misses_nothing_when_it_comes_back()
    {
        var name = room.NewUser();
        await using var slow = await RawSocket.UpgradeAsync(room.App.Address, name, ReceiveBuffer);
        await slow.SayAsync("""{"type":"join_room","payload":{"room":"calm"}}""");
        var joined = JsonElement.Parse((await slow.UntilAsync("\"room_joined\"")).Bytes);
        var (first, epoch) = (joined.GetProperty("seq").GetInt64(), joined.GetProperty("epoch").GetString());

        await PublishAsync(); // nobody waits for the slow one: each is confirmed and heard while it does not read

        var all = await slow.ReadToEndAsync();
        Assert.Equal(1013, all[^1].CloseCode);
        var seen = Seqs(all);
        Assert.Equal(Enumerable.Range(1, seen.Count).Select(i => first + i), seen);
        Assert.InRange(seen.Count, 0, Messages - 1);

        await using var again = await room.App.ConnectAsync(name);
        var since = first + seen.Count;
        await again.SendAsync($$$"""{"type":"join_room","payload":{"room":"calm","since":{{{since}}},"epoch":"{{{epoch}}}"}}""");
        await again.UntilAsync($$"""{"type":"room_joined","room":"calm","members":"*","seq":"*","epoch":"{{epoch}}","recovered":true}""");
        for (var seq = since + 1; seq <= first + Messages; seq++)
            await again.UntilAsync($$"""{"type":"chat_message","room":"calm","seq":{{seq}},"userId":"alice","username":"alice","message":"*","timestamp":"*","replay":true}""");
        await room.IsUndisturbedAsync();
    }

    [Fact]
    public async Task Who_stops_reading_in_a_replay_is_waited_for_and_gets_all_of_it()
    {
        await using var slow = await RawSocket.UpgradeAsync(room.App.Address, room.NewUser(), ReceiveBuffer);
        await slow.SayAsync("""{"type":"join_room","payload":{"room":"calm"}}""");
        var joined = JsonElement.Parse((await slow.UntilAsync("\"room_joined\"")).Bytes);
        var (first, epoch) = (joined.GetProperty("seq").GetInt64(), joined.GetProperty("epoch").GetString());
        await slow.SayAsync("""{"type":"leave_room","payload":{"room":"calm"}}""");
        await slow.UntilAsync("\"room_left\"");
        await PublishAsync();

        await slow.SayAsync($$$"""{"type":"join_room","payload":{"room":"calm","since":{{{first}}},"epoch":"{{{epoch}}}"}}""");
        await PublishAsync(); // live, while the replay waits
        var next = first + 1;
        while (next <= first + (2 * Messages))
        {
            var frame = JsonElement.Parse((await slow.UntilAsync("\"chat_message\"")).Bytes);
            Assert.Equal(next++, frame.GetProperty("seq").GetInt64());
        }

        await room.IsUndisturbedAsync();
    }

    [Fact]
    public async Task Who_sends_and_never_reads_the_answers_is_closed_with_1013()
    {
        var name = room.NewUser();
        await using var slow = await RawSocket.UpgradeAsync(room.App.Address, name, ReceiveBuffer);
        await slow.SayAsync("""{"type":"join_room","payload":{"room":"alone"}}""");
        var text = new string('m', TextLength);
        for (var i = 0; i < Messages; i++)
            await slow.SayAsync($$$"""{"type":"chat_message","id":"{{{i}}}","payload":{"room":"alone","message":"{{{text}}}"}}""");
        await room.IsUndisturbedAsync();
        // What it sent is answered as fast as the machine can: who read before that would keep up.
        var outbox = room.App.Services.GetRequiredService<FrontHub>().Sessions.Single(session => session.UserId == name).Connection.Outbox;
        await Within.Soon(() => !outbox.TryPost(ReadOnlyMemory<byte>.Empty), "the outbox is full and takes nothing more");
        Assert.Equal(1013, (await slow.ClosedAsync()).CloseCode);
        await room.IsUndisturbedAsync();
    }

    private async Task PublishAsync()
    {
        var text = new string('m', TextLength);
        for (var i = 0; i < Messages; i++)
        {
            var seq = (await room.Alice.PublishAsync(AbusedRoom.Room, Guid.NewGuid().ToString("N"), text)).GetProperty("seq");
            await room.Bob.UntilAsync($$"""{"type":"chat_message","room":"calm","seq":{{seq}},"userId":"alice","username":"alice","message":"*","timestamp":"*"}""");
        }
    }

    private static List<long> Seqs(List<RawFrame> frames) =>
        [.. frames.Where(frame => frame.Payload.StartsWith("{\"type\":\"chat_message\"", StringComparison.Ordinal)).Select(frame => JsonElement.Parse(frame.Bytes).GetProperty("seq").GetInt64())];

    public sealed class SmallOutboxes : AbusedRoom
    {
        protected override (string Key, string Value)[] Settings =>
            [("Chat:OutboxBytes", "262144"), ("Chat:MessageChars", "20000"), ("Chat:FrameBytes", "65536"), ("Chat:RoomLogLength", "10000")];
    }
}
