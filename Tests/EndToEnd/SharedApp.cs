using OrleansChat.Tests.EndToEnd;
using OrleansChat.Tests.Support;

[assembly: AssemblyFixture(typeof(SharedApp))]

namespace OrleansChat.Tests.EndToEnd;

/// <summary>One application with a user's defaults, for all tests that need no other: each keeps to rooms and users of its own. Starts when the first test asks.</summary>
public sealed class SharedApp : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private Task<ChatApp>? _app;

    internal Task<ChatApp> StartedAsync()
    {
        lock (_gate)
            return _app ??= ChatApp.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_app is not null)
            await (await _app).DisposeAsync();
    }
}
