using OrleansChat.Tests.Support;

namespace OrleansChat.Tests.EndToEnd;

/// <summary>Two people talk: real Kestrel, real sockets, literal JSON.</summary>
public sealed class ConversationTests
{
    [Fact]
    public async Task The_tutorials_conversation_works_word_for_word()
    {
        await using var app = await ChatApp.StartAsync();
        await using var alice = await app.ConnectAsync("alice");
        await using var bob = await app.ConnectAsync("bob");

        await alice.SendAsync("""{"type":"join_room","payload":{"room":"general"}}""");
        await alice.ExpectAsync("""{"type":"room_joined","room":"general","members":1,"seq":0,"epoch":"*"}""");
        await bob.SendAsync("""{"payload":{"room":"general"},"type":"join_room"}""");
        await bob.ExpectAsync("""{"type":"room_joined","room":"general","members":2,"seq":0,"epoch":"*"}""");
        await alice.ExpectAsync("""{"type":"user_joined","room":"general","userId":"bob","username":"bob","members":2,"timestamp":"*"}""");

        await bob.SendAsync("""{"type":"typing","payload":{"room":"general","isTyping":true}}""");
        await alice.ExpectAsync("""{"type":"typing","room":"general","userId":"bob","username":"bob","isTyping":true}""");
        await bob.SendAsync("""{"type":"chat_message","payload":{"room":"general","message":"Hello, Alice \"😀\""}}""");
        const string said = """{"type":"chat_message","room":"general","seq":1,"userId":"bob","username":"bob","message":"Hello, Alice \"😀\"","timestamp":"*"}""";
        await alice.ExpectAsync(said);
        await bob.ExpectAsync(said);

        await bob.CloseAsync();
        await alice.ExpectAsync("""{"type":"user_left","room":"general","userId":"bob","username":"bob","members":1,"timestamp":"*"}""");
    }

    [Fact]
    public async Task Who_comes_back_after_a_cut_has_missed_nothing()
    {
        await using var app = await ChatApp.StartAsync();
        await using var alice = await app.JoinAsync("alice", "general");
        var bob = await app.ConnectAsync("bob");
        var epoch = (await bob.JoinAsync("general")).GetProperty("epoch").GetString();
        await alice.PublishAsync("general", "m1", "one");
        await bob.UntilAsync("""{"type":"chat_message","room":"general","seq":1,"userId":"alice","username":"alice","message":"one","timestamp":"*"}""");

        bob.Abort();
        await alice.UntilAsync("""{"type":"user_left","room":"general","userId":"bob","username":"bob","members":1,"timestamp":"*"}""");
        await alice.PublishAsync("general", "m2", "two");
        await alice.PublishAsync("general", "m3", "three");
        await bob.DisposeAsync();

        await using var again = await app.ConnectAsync("bob");
        await again.SendAsync($$$"""{"type":"join_room","payload":{"room":"general","since":1,"epoch":"{{{epoch}}}"}}""");
        await again.ExpectAsync($$"""{"type":"room_joined","room":"general","members":2,"seq":3,"epoch":"{{epoch}}","recovered":true}""");
        await again.ExpectAsync("""{"type":"chat_message","room":"general","seq":2,"userId":"alice","username":"alice","message":"two","timestamp":"*","replay":true}""");
        await again.ExpectAsync("""{"type":"chat_message","room":"general","seq":3,"userId":"alice","username":"alice","message":"three","timestamp":"*","replay":true}""");
        Assert.Empty(await again.AllUntilPongAsync());
    }
}
