using Microsoft.Playwright;
using OrleansChat.Tests.Support;
using static Microsoft.Playwright.Assertions;

namespace OrleansChat.Tests.Browser;

/// <summary>The picture in the README is taken from a conversation that really takes place; <c>UPDATE_SCREENSHOT=1</c> writes it.</summary>
[Collection(Chromium.Tests)]
public sealed class ScreenshotTests(Chromium chromium)
{
    [Fact]
    public async Task Three_people_talk_as_on_the_picture_in_the_README()
    {
        // An application of its own: its rooms have everyday names.
        await using var app = await ChatApp.StartAsync(("Auth:Guests", "true"));
        await using var ines = await chromium.EnterAsync("Inès Moreau", "release", app.Address);
        foreach (var room in new[] { "design", "lunch" })
        {
            await ines.Page.GetByTestId("room-add-input").FillAsync(room);
            await ines.Page.Keyboard.PressAsync("Enter");
            await Expect(ines.Page.Locator("[data-testid=room-item][data-state=joined]")).ToContainTextAsync([room]);
        }

        await ines.Room("release").GetByTestId("room-link").ClickAsync();
        await using var tomas = await chromium.EnterAsync("Tomás Rivera", "release", app.Address);
        await using var wen = await chromium.EnterAsync("Wen Li", "release", app.Address);
        await using var otto = await chromium.EnterAsync("Otto", "lunch", app.Address);

        List<string> said = [];
        async Task SayAsync(ChatPage who, string text)
        {
            await who.SayAsync(text);
            said.Add(text);
            await ines.ReadsAsync(said);
        }

        await SayAsync(tomas, "Morning! The new build has been on the test machines since last night.");
        await SayAsync(tomas, "I pulled the plug on one of them twice, just to be sure.");
        await SayAsync(ines, "And nobody noticed?");
        await SayAsync(wen, "I was in the room the whole time. It said “Reconnecting” for a moment, then everything I had missed was there, in order.");
        await SayAsync(ines, "Lovely. Then let’s ship it.");
        await SayAsync(wen, "Notes are up for review: https://example.org/releases/1.0");
        await SayAsync(ines, "Reading them now, thank you both");
        await otto.SayAsync("Soup is ready");
        await Expect(ines.Room("lunch").GetByTestId("unread")).ToHaveTextAsync("1");
        await Expect(ines.Members).ToHaveCountAsync(3);
        await Expect(ines.Page.Locator("[data-testid=message][data-own=true][data-state=sent]")).ToHaveCountAsync(3);
        await tomas.Composer.PressSequentiallyAsync("Cake");
        await Expect(ines.Typing).ToHaveTextAsync("Tomás Rivera is typing");

        await ines.Page.Mouse.MoveAsync(1_279, 799);
        if (Environment.GetEnvironmentVariable("UPDATE_SCREENSHOT") == "1")
            await ines.Page.ScreenshotAsync(new PageScreenshotOptions { Path = Checkout.PathOf("docs/page.png") });
    }
}
