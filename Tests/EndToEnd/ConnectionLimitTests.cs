using System.Net.WebSockets;
using OrleansChat.Tests.Support;

namespace OrleansChat.Tests.EndToEnd;

/// <summary>How many connections a user may have, as connections come and go.</summary>
public sealed class ConnectionLimitTests
{
    [Fact]
    public async Task A_connection_that_ends_makes_room_for_one_more_and_no_other()
    {
        await using var app = await ChatApp.StartAsync(("Chat:ConnectionsPerUser", "2"));
        await using var stays = await app.ConnectAsync("alice");
        await using var goes = await app.ConnectAsync("alice");
        await goes.CloseAsync();
        await using var next = await ConnectWhenThereIsRoomAsync(app);

        var refusal = await Assert.ThrowsAsync<WebSocketException>(() => app.ConnectAsync("alice"));

        Assert.Contains("429", refusal.Message, StringComparison.Ordinal);
    }

    /// <summary>The close is answered before the user's place is given back.</summary>
    private static async Task<ChatClient> ConnectWhenThereIsRoomAsync(ChatApp app)
    {
        while (true)
        {
            try
            {
                return await app.ConnectAsync("alice");
            }
            catch (WebSocketException e) when (e.Message.Contains("429", StringComparison.Ordinal))
            {
                TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
            }
        }
    }
}
