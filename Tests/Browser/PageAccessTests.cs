using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace OrleansChat.Tests.Browser;

/// <summary>The page without a mouse, on a phone, in the dark.</summary>
[Collection(Chromium.Tests)]
public sealed class PageAccessTests(Chromium chromium)
{
    [Fact]
    public async Task Everything_can_be_done_by_keyboard_alone()
    {
        await using var ada = await chromium.OpenAsync(room: "keys"); // also the id of an element, which the browser must not go to
        var keyboard = ada.Page.Keyboard;
        await Expect(ada.Page.GetByLabel("Your name")).ToBeFocusedAsync();
        await keyboard.TypeAsync("Ada");
        await keyboard.PressAsync("Enter");
        await ada.ShowsAsync("connected");
        await Expect(ada.Composer).ToBeFocusedAsync();

        await keyboard.TypeAsync("first line");
        await keyboard.PressAsync("Shift+Enter");
        await keyboard.TypeAsync("second line");
        await keyboard.PressAsync("Enter");
        await ada.ReadsAsync("first line\nsecond line");
        await Expect(ada.Composer).ToHaveValueAsync("");

        await keyboard.PressAsync("Control+k");
        await Expect(ada.Page.GetByLabel("Open a room by its name")).ToBeFocusedAsync();
        await keyboard.TypeAsync("no/such");
        await keyboard.PressAsync("Enter");
        await Expect(ada.Page.GetByTestId("room-add-error")).ToContainTextAsync("Letters, digits");
        await keyboard.PressAsync("Control+a");
        await keyboard.TypeAsync("#other room");
        await keyboard.PressAsync("Enter");
        await Expect(ada.Page.GetByTestId("room-title")).ToHaveTextAsync("other-room");
        await Expect(ada.Composer).ToBeFocusedAsync();
        await keyboard.PressAsync("Alt+ArrowUp");
        await Expect(ada.Page.GetByTestId("room-title")).ToHaveTextAsync("keys");

        await keyboard.PressAsync("Shift+Tab");
        await Expect(ada.Scroller).ToBeFocusedAsync();
        await keyboard.PressAsync("Shift+Tab");
        await Expect(ada.Page.GetByTestId("members-toggle")).ToBeFocusedAsync();
        await keyboard.PressAsync("Enter");
        await Expect(ada.Page.GetByTestId("members-panel")).ToBeHiddenAsync();
        await keyboard.PressAsync("Shift+Tab");
        await keyboard.PressAsync("Shift+Tab");
        await Expect(ada.Page.GetByRole(AriaRole.Button, new() { Name = "Keyboard shortcuts" })).ToBeFocusedAsync();
        await keyboard.PressAsync("Enter");
        await Expect(ada.Page.GetByRole(AriaRole.Dialog, new() { Name = "Keyboard" })).ToBeVisibleAsync();
        await keyboard.PressAsync("Escape");
        await Expect(ada.Page.GetByRole(AriaRole.Dialog)).ToHaveCountAsync(0);
        await keyboard.PressAsync("Escape");
        await Expect(ada.Composer).ToBeFocusedAsync();
    }

    [Fact]
    public async Task A_text_that_is_too_long_is_counted_and_cannot_be_sent()
    {
        await using var ada = await chromium.EnterAsync("Ada", "long");
        await ada.SayAsync(new string('x', 1_003));
        await Expect(ada.Page.GetByTestId("composer-count")).ToHaveTextAsync("3 too many");
        await Expect(ada.Page.GetByTestId("send-button")).ToBeDisabledAsync();
        await ada.Composer.FillAsync(new string('x', 1_000));
        await Expect(ada.Page.GetByTestId("composer-count")).ToHaveTextAsync("0 left");
        await ada.Composer.PressAsync("Enter");
        await ada.ShowsAsync(new string('x', 1_000), "sent");
    }

    [Fact]
    public async Task A_phone_shows_one_thing_at_a_time_and_nothing_sticks_out()
    {
        await using var cable = new Cable(chromium.App.Address);
        await using var ada = await chromium.EnterAsync("Ada", "a-room-with-a-rather-long-name-for-a-phone", cable.Address, phone: true);
        await Expect(ada.Page.GetByTestId("rooms-panel")).ToBeHiddenAsync();
        await Expect(ada.Page.GetByTestId("members-panel")).ToBeHiddenAsync();
        await ada.SayAsync("https://example.org/" + new string('w', 200));
        await FitsAsync(ada);

        await ada.Page.GetByTestId("rooms-toggle").TapAsync();
        await Expect(ada.Page.GetByTestId("rooms-panel")).ToBeVisibleAsync();
        await ada.Page.GetByTestId("room-add-input").FillAsync("pocket");
        await ada.Page.Keyboard.PressAsync("Enter");
        await Expect(ada.Page.GetByTestId("rooms-panel")).ToBeHiddenAsync();
        await Expect(ada.Page.GetByTestId("room-title")).ToHaveTextAsync("pocket");
        await ada.Page.GetByTestId("members-toggle").TapAsync();
        await Expect(ada.Members).ToHaveTextAsync(["AAdayou"]);
        await ada.Page.Keyboard.PressAsync("Escape");
        await Expect(ada.Page.GetByTestId("members-panel")).ToBeHiddenAsync();
        await Expect(ada.Page.GetByTestId("members-toggle")).ToBeFocusedAsync();

        await ada.Page.GetByTestId("rooms-toggle").TapAsync();
        await ada.Room("a-room-with-a-rather-long-name-for-a-phone").GetByTestId("room-link").TapAsync();
        await Expect(ada.Page.GetByTestId("room-title")).ToHaveTextAsync("a-room-with-a-rather-long-name-for-a-phone");
        cable.Unplug();
        await ada.ShowsAsync("reconnecting");
        await FitsAsync(ada);
        Assert.True(await ada.Page.GetByTestId("room-title").EvaluateAsync<int>("e => e.clientWidth") > 200, "the room's name keeps its place while the page reconnects");
        await Expect(ada.Composer).ToBeInViewportAsync(new() { Ratio = 1 });
    }

    [Theory]
    [InlineData(ColorScheme.Light)]
    [InlineData(ColorScheme.Dark)]
    public async Task All_text_stands_out_from_its_background_by_4_5_to_1(ColorScheme scheme)
    {
        await using var grace = await chromium.EnterAsync("Grace", $"contrast-{scheme}");
        await using var ada = await chromium.OpenAsync(room: $"contrast-{scheme}");
        await ada.Page.EmulateMediaAsync(new() { ColorScheme = scheme });
        Assert.Empty(await FaintAsync(ada));
        await ada.SignInAsync("Ada");
        await ada.SayAsync("Look at https://example.org/");
        await grace.SayAsync("Where?");
        await ada.ReadsAsync("Look at https://example.org/", "Where?");
        await grace.Composer.PressSequentiallyAsync("And");
        await Expect(ada.Typing).ToHaveTextAsync("Grace is typing");
        Assert.Empty(await FaintAsync(ada));
        await ada.Page.GetByRole(AriaRole.Button, new() { Name = "Keyboard shortcuts" }).ClickAsync();
        Assert.Empty(await FaintAsync(ada));
    }

    private static async Task FitsAsync(ChatPage page)
    {
        Assert.Equal(390, await page.Page.EvaluateAsync<int>("document.documentElement.scrollWidth"));
        Assert.True(await page.Scroller.EvaluateAsync<bool>("e => e.scrollWidth <= e.clientWidth"), "messages fit the width of the phone");
    }

    /// <summary>The texts in view that WCAG 2.2 (1.4.3) finds too faint: "text: ratio".</summary>
    private static Task<string[]> FaintAsync(ChatPage page) => page.Page.EvaluateAsync<string[]>("""
        () => {
          const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
          const over = (colours) => {
            canvas.clearRect(0, 0, 1, 1);
            for (const colour of colours) { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); }
            return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
          };
          const light = rgb => rgb.map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4).reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
          const faint = [];
          const texts = document.createTreeWalker(document.querySelector('dialog[open]') ?? document.body, NodeFilter.SHOW_TEXT);
          while (texts.nextNode()) {
            const element = texts.currentNode.parentElement;
            if (!texts.currentNode.data.trim() || !element.checkVisibility({ opacityProperty: true, visibilityProperty: true }) || element.closest('.unseen, :disabled')) continue;
            const under = [];
            for (let at = element; at; at = at.parentElement) under.unshift(getComputedStyle(at).backgroundColor);
            const [a, b] = [over(under), over([...under, getComputedStyle(element).color])].map(light);
            const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
            if (ratio < 4.5) faint.push(`${texts.currentNode.data}: ${ratio.toFixed(2)}`);
          }
          return faint;
        }
        """);
}
