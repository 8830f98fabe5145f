using Microsoft.Playwright;
using OrleansChat.Tests.Support;

namespace OrleansChat.Tests.Browser;

/// <summary>One browser and one application for all tests of the page. Each test has contexts of its own (a context is a person at a device) and a room of its own.</summary>
[CollectionDefinition(Tests)]
public sealed class Chromium : ICollectionFixture<Chromium>, IAsyncLifetime
{
    /// <summary>The collection of all tests that need a browser.</summary>
    public const string Tests = "browser";

    private static readonly string[] Arguments =
    [
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    ];

    private IPlaywright? _playwright;

    internal IBrowser Browser { get; private set; } = null!;

    /// <summary>In Production, with guests, and without limits that people do not reach but tests do.</summary>
    internal ChatApp App { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        App = await ChatApp.StartAsync(("Auth:Guests", "true"), ("Auth:GuestsPerMinute", "0"));
        _playwright = await Playwright.CreateAsync();
        Browser = await _playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions { ExecutablePath = "/usr/bin/chromium", Args = Arguments });
    }

    /// <summary>Somebody opens the page.</summary>
    /// <param name="address">Null: the shared application's.</param>
    /// <param name="room">In the page's address.</param>
    /// <param name="phone">390 × 844 and a finger, instead of 1280 × 800 and a mouse.</param>
    /// <param name="prepare">What is done with the page before it is opened.</param>
    internal async Task<ChatPage> OpenAsync(Uri? address = null, string room = "", bool phone = false, Func<IPage, Task>? prepare = null)
    {
        var context = await Browser.NewContextAsync(new BrowserNewContextOptions
        {
            ViewportSize = phone ? new ViewportSize { Width = 390, Height = 844 } : new ViewportSize { Width = 1280, Height = 800 },
            IsMobile = phone,
            HasTouch = phone,
            ColorScheme = ColorScheme.Light,
            Locale = "en-GB",
            TimezoneId = "UTC",
        });
        context.SetDefaultTimeout(20_000);
        var page = new ChatPage(await context.NewPageAsync());
        await (prepare?.Invoke(page.Page) ?? Task.CompletedTask);
        await page.Page.GotoAsync(new Uri(address ?? App.Address, $"#{Uri.EscapeDataString(room)}").AbsoluteUri);
        return page;
    }

    /// <summary>A guest comes in.</summary>
    /// <inheritdoc cref="OpenAsync" path="/param"/>
    internal async Task<ChatPage> EnterAsync(string name, string room, Uri? address = null, bool phone = false, Func<IPage, Task>? prepare = null)
    {
        var page = await OpenAsync(address, room, phone, prepare);
        await page.SignInAsync(name);
        return page;
    }

    public async ValueTask DisposeAsync()
    {
        if (Browser is not null)
            await Browser.DisposeAsync();
        _playwright?.Dispose();
        if (App is not null)
            await App.DisposeAsync();
    }
}
