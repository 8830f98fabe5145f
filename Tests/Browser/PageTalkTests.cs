using Microsoft.Playwright;
using OrleansChat.Tests.Support;
using static Microsoft.Playwright.Assertions;

namespace OrleansChat.Tests.Browser;

/// <summary>People at their pages: what they see of each other.</summary>
[Collection(Chromium.Tests)]
public sealed class PageTalkTests(Chromium chromium)
{
    [Fact]
    public async Task Two_people_see_each_other_come_type_speak_and_go()
    {
        await using var ada = await chromium.EnterAsync("Ada", "talk");
        await Expect(ada.Page.GetByTestId("room-people")).ToHaveTextAsync("1 person here");
        await using (var grace = await chromium.EnterAsync("Grace", "talk"))
        {
            await Expect(ada.Members).ToHaveTextAsync(["AAdayou", "GGrace"]);
            await Expect(grace.Page.GetByTestId("room-people")).ToHaveTextAsync("2 people here");

            await grace.Composer.PressSequentiallyAsync("Good mor");
            await Expect(ada.Typing).ToHaveTextAsync("Grace is typing");
            await grace.Composer.FillAsync("");
            await Expect(ada.Typing).ToHaveTextAsync("");

            await grace.SayAsync("Good morning");
            await grace.ShowsAsync("Good morning", "sent");
            await ada.SayAsync("Hello, Grace");
            await grace.ReadsAsync("Good morning", "Hello, Grace");
            await ada.ReadsAsync("Good morning", "Hello, Grace");
            await Expect(ada.Messages.First.Locator(".name")).ToHaveTextAsync("Grace");
            await Expect(ada.Page.GetByTestId("announcer")).ToContainTextAsync("Grace: Good morning");
        }

        await Expect(ada.Members).ToHaveTextAsync(["AAdayou"]);
        await Expect(ada.Page.GetByTestId("room-people")).ToHaveTextAsync("1 person here");
    }

    [Fact]
    public async Task Markup_in_a_message_or_a_name_is_text()
    {
        const string attack = """<img src=x onerror="document.body.remove()"><script>document.body.remove()</script> javascript:alert(1) https://example.org/?q=<b>&amp;""";
        await using var mallory = await chromium.EnterAsync("<i>Mallory</i>", "markup");
        await using var ada = await chromium.EnterAsync("Ada", "markup");

        await mallory.SayAsync(attack);

        await ada.ReadsAsync(attack);
        await Expect(ada.Messages.Locator(".name")).ToHaveTextAsync("<i>Mallory</i>");
        await Expect(ada.Members.Filter(new() { HasText = "<i>Mallory</i>" })).ToHaveCountAsync(1);
        await Expect(ada.Page.Locator("#messages :is(img, script, b, i)")).ToHaveCountAsync(0);
        await Expect(ada.Messages.Locator("a")).ToHaveAttributeAsync("href", "https://example.org/?q=");
        await Expect(ada.Messages.Locator("a")).ToHaveAttributeAsync("rel", "noopener noreferrer nofollow");
    }

    [Fact]
    public async Task A_message_in_another_room_is_counted_there_and_marked_as_new_when_one_comes_back()
    {
        await using var ada = await chromium.EnterAsync("Ada", "near");
        await using var grace = await chromium.EnterAsync("Grace", "near");
        await grace.SayAsync("seen");
        await ada.ReadsAsync("seen");
        await ada.Page.GetByTestId("room-add-input").FillAsync("far");
        await ada.Page.Keyboard.PressAsync("Enter");
        await Expect(ada.Page.GetByTestId("room-title")).ToHaveTextAsync("far");

        await grace.SayAsync("not seen");

        await Expect(ada.Room("near").GetByTestId("unread")).ToHaveTextAsync("1");
        await Expect(ada.Page).ToHaveTitleAsync("(1) far · OrleansChat");
        await Expect(ada.Page.GetByRole(AriaRole.Link, new() { Name = "near, 1 new message" })).ToBeVisibleAsync();
        await ada.Room("near").GetByTestId("room-link").ClickAsync();
        await Expect(ada.Page.GetByTestId("message-list").Locator(":scope > li[data-kind=new] + li")).ToContainTextAsync("not seen");
        await Expect(ada.Room("near").GetByTestId("unread")).ToHaveTextAsync("");
    }

    [Fact]
    public async Task Older_messages_come_when_one_scrolls_up_and_nothing_jumps()
    {
        await using var program = await chromium.App.JoinAsync("program", "old");
        for (var i = 1; i <= 180; i++)
            await program.PublishAsync("old", $"m{i}", $"line {i}");
        await using var ada = await chromium.EnterAsync("Ada", "old");
        await ada.ReadsAsync(Enumerable.Range(131, 50).Select(i => $"line {i}"));
        await Expect(ada.MessageWith("line 180")).ToBeInViewportAsync();

        // Two thirds up: older ones are asked for before the top is reached.
        await ada.Scroller.EvaluateAsync("e => e.scrollTop = 500");
        var stands = await TopOfAsync(ada, "line 150");
        await Expect(ada.MessageWith("line 81")).ToBeAttachedAsync();
        Assert.Equal(stands, await TopOfAsync(ada, "line 150"), 1f);

        for (var first = 81; first > 1; first = Math.Max(1, first - 50))
        {
            await ada.Scroller.EvaluateAsync("e => e.scrollTop = 0");
            await Expect(ada.MessageWith($"line {Math.Max(1, first - 50)}")).ToBeAttachedAsync();
        }

        await Expect(ada.Page.GetByTestId("beginning")).ToBeAttachedAsync();
        await ada.ReadsAsync(Enumerable.Range(1, 180).Select(i => $"line {i}"));
    }

    [Fact]
    public async Task Whoever_reads_back_is_not_pulled_down_by_a_new_message_but_told_of_it()
    {
        await using var program = await chromium.App.JoinAsync("program", "back");
        for (var i = 1; i <= 40; i++)
            await program.PublishAsync("back", $"m{i}", $"line {i}");
        await using var ada = await chromium.EnterAsync("Ada", "back");
        await Expect(ada.MessageWith("line 40")).ToBeInViewportAsync();
        await ada.Scroller.EvaluateAsync("e => e.scrollTop = 100");
        await Expect(ada.Page.GetByTestId("new-messages")).ToBeVisibleAsync(); // The page has heard of the scrolling: that is an event of its own.
        var stands = await TopOfAsync(ada, "line 5");

        await program.PublishAsync("back", "m41", "line 41");

        await Expect(ada.Page.GetByTestId("new-messages")).ToHaveTextAsync("1 new message");
        Assert.Equal(stands, await TopOfAsync(ada, "line 5"), 1f);
        await ada.Page.GetByTestId("new-messages").ClickAsync();
        await Expect(ada.MessageWith("line 41")).ToBeInViewportAsync();
        await Expect(ada.Page.GetByTestId("new-messages")).ToBeHiddenAsync();
    }

    [Fact]
    public async Task A_server_without_guests_asks_for_a_token_and_says_what_is_wrong_with_a_bad_one()
    {
        await using var app = await ChatApp.StartAsync(("Auth:Guests", "false"));
        await using var dana = await chromium.OpenAsync(app.Address, "token");
        await dana.Page.GetByLabel("Your name").FillAsync("Dana");
        await dana.Page.Keyboard.PressAsync("Enter");

        var token = dana.Page.GetByLabel("Your token");
        await Expect(token).ToBeFocusedAsync();
        await token.FillAsync("no token");
        await dana.Page.GetByTestId("join-button").ClickAsync();
        await Expect(dana.Page.GetByTestId("signin-error")).ToContainTextAsync("not a JSON Web Token");
        await token.FillAsync(Tokens.For("dana", DateTimeOffset.MaxValue.AddYears(-1), key: new string('x', 32)));
        await dana.Page.GetByTestId("join-button").ClickAsync();
        await Expect(dana.Page.GetByTestId("signin-error")).ToContainTextAsync("no longer valid");
        await token.FillAsync(Tokens.For("dana", DateTimeOffset.MaxValue.AddYears(-1), username: "Dana of Accounts"));
        await dana.Page.GetByTestId("join-button").ClickAsync();

        await dana.ShowsAsync("connected");
        await Expect(dana.Page.GetByTestId("me-name")).ToHaveTextAsync("Dana of Accounts");
        await dana.SayAsync("here");
        await dana.ShowsAsync("here", "sent");
    }

    private static Task<float> TopOfAsync(ChatPage page, string text) => page.MessageWith(text).EvaluateAsync<float>("e => e.getBoundingClientRect().top");
}
