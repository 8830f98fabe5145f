using System.Collections.Concurrent;
using Microsoft.Playwright;

namespace OrleansChat.Tests.Browser;

/// <summary>One person's page. Closing it asserts that the browser had nothing to complain about.</summary>
internal sealed class ChatPage : IAsyncDisposable
{
    private readonly ConcurrentQueue<string> _complaints = [];
    private readonly ConcurrentQueue<string> _network = [];

    public ChatPage(IPage page)
    {
        Page = page;
        page.Console += (_, line) =>
        {
            // The browser itself writes down each connection that failed and each answer of 400 and above; those are the tests' doing.
            if (line.Type is "error" or "warning" && !IsOfTheNetwork(line.Text))
                _complaints.Enqueue($"{line.Type}: {line.Text}");
        };
        page.RequestFailed += (_, request) => _network.Enqueue($"{request.Url}: {request.Failure}");
        page.Response += (_, response) => { if (!response.Ok) _network.Enqueue($"{response.Url}: {response.Status}"); };
        page.PageError += (_, error) => _complaints.Enqueue(error);
    }

    public IPage Page { get; }

    public ILocator Composer => Page.GetByTestId("composer");

    /// <summary>Every message that is drawn, top to bottom.</summary>
    public ILocator Messages => Page.GetByTestId("message");

    public ILocator Texts => Page.GetByTestId("message-text");

    public ILocator Connection => Page.GetByTestId("connection-state");

    public ILocator Members => Page.GetByTestId("member");

    public ILocator Typing => Page.GetByTestId("typing-line");

    public ILocator Holes => Page.GetByTestId("hole");

    public ILocator Scroller => Page.GetByTestId("scroller");

    public ILocator Room(string name) => Page.Locator($"[data-testid=room-item][data-room='{name}']");

    public ILocator MessageWith(string text) => Messages.Filter(new LocatorFilterOptions { Has = Page.GetByText(text, new PageGetByTextOptions { Exact = true }) });

    public async Task SignInAsync(string name)
    {
        try
        {
            await Page.GetByLabel("Your name").FillAsync(name);
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"The page did not ask for a name. Requests without success: {string.Join(", ", _network)}; complaints: {string.Join(", ", _complaints)}", e);
        }

        await Page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(Page.GetByTestId("chat")).ToBeVisibleAsync();
        await ShowsAsync("connected");
        await Assertions.Expect(Page.Locator("[data-testid=room-item][data-state=joining]")).ToHaveCountAsync(0);
    }

    /// <summary>Writes and sends.</summary>
    public async Task SayAsync(string text)
    {
        await Composer.FillAsync(text);
        await Composer.PressAsync("Enter");
    }

    /// <summary>The page says that its connection is in this state.</summary>
    public Task ShowsAsync(string state) => Assertions.Expect(Connection).ToHaveAttributeAsync("data-state", state, new() { Timeout = 20_000 });

    /// <summary>The message that the user wrote is in this delivery state.</summary>
    public Task ShowsAsync(string text, string delivery) =>
        Assertions.Expect(MessageWith(text)).ToHaveAttributeAsync("data-state", delivery, new() { Timeout = 20_000 });

    /// <summary>Exactly these messages are drawn, in this order.</summary>
    public Task ReadsAsync(params IEnumerable<string> texts) => Assertions.Expect(Texts).ToHaveTextAsync(texts, new() { Timeout = 20_000 });

    public async ValueTask DisposeAsync()
    {
        await Page.Context.CloseAsync();
        Assert.Empty(_complaints);
    }

    private static bool IsOfTheNetwork(string line) =>
        line.StartsWith("WebSocket connection to", StringComparison.Ordinal) || line.StartsWith("Failed to load resource", StringComparison.Ordinal);
}
