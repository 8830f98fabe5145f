using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Playwright;
using OrleansChat.Tests.Support;
using static Microsoft.Playwright.Assertions;

namespace OrleansChat.Tests.Browser;

/// <summary>Connections that break, and what the page makes of it.</summary>
[Collection(Chromium.Tests)]
public sealed class PageReconnectTests(Chromium chromium)
{
    [Fact]
    public async Task Who_was_away_for_120_messages_has_each_once_and_in_order_and_sees_no_hole()
    {
        await using var cable = new Cable(chromium.App.Address);
        await using var program = await chromium.App.JoinAsync("program", "away");
        await using var ada = await chromium.EnterAsync("Ada", "away", cable.Address);
        await program.PublishAsync("away", "m0", "before");
        await ada.ReadsAsync("before");

        cable.Unplug();
        await ada.ShowsAsync("reconnecting");
        for (var i = 1; i <= 120; i++)
            await program.PublishAsync("away", $"m{i}", $"line {i}");
        cable.Plug();

        await ada.ReadsAsync(["before", .. Enumerable.Range(1, 120).Select(i => $"line {i}")]);
        await ada.ShowsAsync("connected");
        await Expect(ada.Holes).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task What_one_writes_while_away_waits_and_is_sent_once_in_the_order_written()
    {
        await using var cable = new Cable(chromium.App.Address);
        await using var grace = await chromium.EnterAsync("Grace", "waits");
        await using var ada = await chromium.EnterAsync("Ada", "waits", cable.Address);

        cable.Unplug();
        await ada.ShowsAsync("reconnecting");
        await Expect(grace.Members).ToHaveCountAsync(1);
        string[] written = ["one", "two", "two", "three"];
        foreach (var text in written)
            await ada.SayAsync(text);
        await Expect(ada.Page.Locator("[data-testid=message][data-state=sending]")).ToHaveCountAsync(4);
        await grace.SayAsync("meanwhile");
        await grace.ShowsAsync("meanwhile", "sent");
        cable.Plug();

        await Expect(ada.Page.Locator("[data-testid=message][data-state=sent][data-own=true]")).ToHaveCountAsync(4);
        await ada.ReadsAsync(["meanwhile", .. written]);
        await grace.ReadsAsync(["meanwhile", .. written]);
        await Expect(grace.Members).ToHaveCountAsync(2);
    }

    [Fact]
    public async Task A_message_whose_ack_was_lost_with_the_connection_is_there_once()
    {
        IWebSocketRoute? route = null;
        var isDeaf = false;
        await using var grace = await chromium.EnterAsync("Grace", "lost-ack");
        await using var ada = await chromium.EnterAsync("Ada", "lost-ack", prepare: page => page.RouteWebSocketAsync("**/ws", socket =>
        {
            route = socket;
            var server = socket.ConnectToServer();
            server.OnMessage(frame => { if (!Volatile.Read(ref isDeaf)) socket.Send(frame.Text!); });
        }));

        Volatile.Write(ref isDeaf, true);
        await ada.SayAsync("said once");
        await grace.ReadsAsync("said once");
        await ada.ShowsAsync("said once", "sending");
        Volatile.Write(ref isDeaf, false);
        await route!.CloseAsync(new WebSocketRouteCloseOptions { Code = 1011 });

        await ada.ShowsAsync("said once", "sent");
        await ada.SayAsync("and on");
        await ada.ReadsAsync("said once", "and on");
        await grace.ReadsAsync("said once", "and on");
    }

    [Fact]
    public async Task A_message_that_the_server_refuses_says_why_and_can_be_tried_again_or_discarded()
    {
        var refusals = 2;
        await using var grace = await chromium.EnterAsync("Grace", "refused");
        await using var ada = await chromium.EnterAsync("Ada", "refused", prepare: page => page.RouteWebSocketAsync("**/ws", socket =>
        {
            var server = socket.ConnectToServer();
            socket.OnMessage(frame =>
            {
                var sent = JsonNode.Parse(frame.Text!)!;
                if ((string?)sent["type"] == "chat_message" && Interlocked.Decrement(ref refusals) >= 0)
                    socket.Send(JsonSerializer.Serialize(new { type = "error", code = "muted", error = "You are muted", id = (string)sent["id"]! }));
                else
                    server.Send(frame.Text!);
            });
        }));

        await ada.SayAsync("let me speak");
        await ada.ShowsAsync("let me speak", "failed");
        await ada.SayAsync("never mind");
        await ada.ShowsAsync("never mind", "failed");
        await Expect(ada.Page.GetByRole(AriaRole.Alert).Filter(new() { HasText = "Not sent: You are muted." })).ToHaveCountAsync(2);

        await ada.MessageWith("let me speak").GetByTestId("retry-button").ClickAsync();
        await ada.ShowsAsync("let me speak", "sent");
        await ada.MessageWith("never mind").GetByTestId("discard-button").ClickAsync();
        await ada.ReadsAsync("let me speak");
        await grace.ReadsAsync("let me speak");
    }

    [Fact]
    public async Task A_lost_connection_is_shown_with_the_time_to_the_next_attempt_and_can_be_tried_at_once()
    {
        await using var cable = new Cable(chromium.App.Address);
        // The back-off's jitter is the whole wait: the attempts come late enough to be seen.
        await using var ada = await chromium.EnterAsync("Ada", "shown", cable.Address, prepare: page => page.AddInitScriptAsync("Math.random = () => 0.999"));

        cable.Unplug();
        await ada.ShowsAsync("reconnecting");
        await Expect(ada.Page.GetByRole(AriaRole.Status).Filter(new() { HasText = "Reconnecting" })).ToBeVisibleAsync();
        var now = ada.Page.GetByRole(AriaRole.Button, new() { Name = "Try now" });
        await Expect(now).ToBeVisibleAsync(new() { Timeout = 20_000 });
        Assert.Matches("^in [1-9][0-9]? s$", await ada.Connection.GetAttributeAsync("data-left"));

        // After attempts that got nowhere the page asks for another token. That others ask too must not keep it out: the one it has is good.
        await ada.Page.RouteAsync("**/auth/guest", route => route.FulfillAsync(new RouteFulfillOptions { Status = 429 }));
        cable.Plug();
        await now.ClickAsync();

        await ada.ShowsAsync("connected");
        await Expect(now).ToBeHiddenAsync();
    }

    [Fact]
    public async Task A_server_that_is_stopped_and_started_again_is_come_back_to_and_has_everything()
    {
        var directory = Directory.CreateTempSubdirectory("orleanschat-");
        (string, string)[] settings = [("Auth:Guests", "true"), ("Chat:DataPath", Path.Combine(directory.FullName, "chat.db"))];
        var first = await ChatApp.StartAsync(settings);
        await using var ada = await chromium.EnterAsync("Ada", "restart", first.Address);
        await using var grace = await chromium.EnterAsync("Grace", "restart", first.Address);
        await ada.SayAsync("before");
        await grace.ReadsAsync("before");

        await first.DisposeAsync();
        await ada.ShowsAsync("reconnecting");
        await ada.SayAsync("while it was down");
        await using var second = await ChatApp.StartAsync([("urls", first.Address.GetLeftPart(UriPartial.Authority)), .. settings]);

        await ada.ShowsAsync("while it was down", "sent");
        await ada.ReadsAsync("before", "while it was down");
        await grace.ReadsAsync("before", "while it was down");
        await Expect(grace.Members).ToHaveCountAsync(2);
        await Expect(grace.Holes).ToHaveCountAsync(0);
        await ada.Page.ReloadAsync();
        await ada.ReadsAsync("before", "while it was down");
        await Expect(ada.Page.Locator("[data-testid=message][data-own=true]")).ToHaveCountAsync(2);
        directory.Delete(recursive: true);
    }
}
