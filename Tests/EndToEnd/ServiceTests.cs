using OrleansChat.Grains.Interfaces;
using OrleansChat.Tests.Support;

namespace OrleansChat.Tests.EndToEnd;

/// <summary>Other services call the grains; clients see what they did.</summary>
public sealed class ServiceTests(SharedApp shared)
{
    [Fact]
    public async Task What_a_service_publishes_is_a_message_like_any_other()
    {
        var app = await shared.StartedAsync();
        await using var alice = await app.JoinAsync("se-alice", "se-room");
        var room = app.Grains.GetGrain<IRoomGrain>("se-room");
        var request = new PublishRequest("se-bot", "The Bot", "beep", "bot-1");
        var first = await room.Publish(request);
        await alice.ExpectAsync($$"""{"type":"chat_message","room":"se-room","seq":1,"userId":"se-bot","username":"The Bot","message":"beep","timestamp":{{first.Timestamp}}}""");
        Assert.Equal(first with { Duplicate = true }, await room.Publish(request));
        Assert.Equal((null, 1, false), (first.Error, first.Seq, first.Duplicate));
        await alice.PublishAsync("se-room", "m2", "hello, bot");

        var page = await room.Read(1, 10);
        Assert.Equal((first.Epoch, 1, 2), (page.Epoch, page.First, page.Head));
        Assert.Equal(["beep", "hello, bot"], page.Entries.Select(entry => entry.Text), StringComparer.Ordinal);
        Assert.Equal("hello, bot", Assert.Single((await room.ReadBefore(long.MaxValue, 1)).Entries).Text);
        Assert.Equal("beep", Assert.Single((await room.ReadBefore(2, 10)).Entries).Text);
        var members = await room.Members(null, 10);
        Assert.Equal((1, false), (members.Count, members.More));
        Assert.Equal(new Member("se-alice", "se-alice", 1), Assert.Single(members.Users));
    }

    [Fact]
    public async Task A_service_is_refused_by_code()
    {
        var app = await shared.StartedAsync();
        await using var alice = await app.JoinAsync("se-alice", "se-refused");
        var room = app.Grains.GetGrain<IRoomGrain>("se-refused");
        await room.Publish(new PublishRequest("bot", "bot", "one", "id"));
        await RefusedAsync(ChatError.IdConflict, () => room.Publish(new PublishRequest("bot", "bot", "two", "id")));
        await RefusedAsync(ChatError.MessageTooLong, () => room.Publish(new PublishRequest("bot", "bot", new string('x', 1_001), null)));
        await RefusedAsync(ChatError.InvalidPayload, () => room.Publish(new PublishRequest("bot", "bot", "", null)));
        await RefusedAsync(ChatError.InvalidPayload, () => room.Publish(new PublishRequest("", "bot", "x", null)));
        var nowhere = app.Grains.GetGrain<IRoomGrain>("se-nowhere");
        await RefusedAsync(ChatError.NotFound, () => nowhere.Publish(new PublishRequest("bot", "bot", "x", null)));
        await RefusedAsync(ChatError.NotFound, () => nowhere.Read(1, 1));
        await RefusedAsync(ChatError.NotFound, () => nowhere.Members(null, 1));

        static async Task RefusedAsync(ChatError error, Func<Task> call) => Assert.Equal(error, (await Assert.ThrowsAsync<ChatException>(call)).Error);
    }

    [Fact]
    public async Task A_user_is_found_spoken_to_and_disconnected_on_every_connection_or_on_one()
    {
        var app = await shared.StartedAsync();
        var user = app.Grains.GetGrain<IUserGrain>("se-bob");
        var (desk, deskId) = await ConnectAsync();
        var (phone, phoneId) = await ConnectAsync();
        var sessions = await user.Sessions();
        Assert.Equal([deskId, phoneId], sessions.Select(session => session.ClientId), StringComparer.Ordinal);
        var fronts = await app.Grains.GetGrain<IFrontsGrain>(IFrontsGrain.Key).Live();
        Assert.All(sessions, session => Assert.Equal(Assert.Single(fronts).Id, session.Front));

        await user.Send("system", "your order is ready");
        const string heard = """{"type":"broadcast","from":"system","message":"your order is ready","timestamp":"*"}""";
        await desk.ExpectAsync(heard);
        await phone.ExpectAsync(heard);

        Assert.Equal(1, await user.Disconnect(phoneId, "this device was lost"));
        Assert.Equal((4403, "this device was lost"), await phone.ClosedAsync());
        Assert.Empty(await desk.AllUntilPongAsync());
        await user.Disconnect(null, null);
        Assert.Equal(4403, (await desk.ClosedAsync()).Code);
        await desk.DisposeAsync();
        await phone.DisposeAsync();

        async Task<(ChatClient Client, string Id)> ConnectAsync()
        {
            var client = await ChatClient.ConnectAsync(app.Address, Tokens.For("se-bob", TimeProvider.System.GetUtcNow().AddHours(1)));
            return (client, (await client.NextAsync()).GetProperty("clientId").GetString()!);
        }
    }

    [Fact]
    public async Task A_service_broadcasts_to_whom_it_names()
    {
        var app = await shared.StartedAsync();
        await using var alice = await app.ConnectAsync("se-listener");
        await app.Grains.GetGrain<IFrontsGrain>(IFrontsGrain.Key).Broadcast(new Broadcast("system", "hear me", ["se-listener"], []));
        await alice.ExpectAsync("""{"type":"broadcast","from":"system","message":"hear me","timestamp":"*"}""");
    }

    [Fact]
    public async Task A_user_stays_known_for_as_long_as_it_has_one_connection_however_many_it_closed()
    {
        // A lease of 0.9 s: what is not renewed is soon forgotten.
        await using var app = await ChatApp.StartAsync(("Chat:LeaseRenewal", "00:00:00.3"));
        await using var stays = await app.ConnectAsync("alice");
        var goes = await app.ConnectAsync("alice");
        await goes.CloseAsync();
        await goes.DisposeAsync();

        var user = app.Grains.GetGrain<IUserGrain>("alice");
        var begin = TimeProvider.System.GetTimestamp();
        await KnownForTwoLeasesAsync().Soon("two leases pass");
        await user.Disconnect(null, "bye");
        Assert.Equal((4403, "bye"), await stays.ClosedAsync());

        async Task KnownForTwoLeasesAsync()
        {
            while (TimeProvider.System.GetElapsedTime(begin).TotalSeconds < 2)
            {
                Assert.NotEmpty(await user.Sessions());
                await stays.AllUntilPongAsync();
            }
        }
    }
}
