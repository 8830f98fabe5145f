using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OrleansChat.WebFront;
using OrleansChat.WebFront.Rooms;

namespace OrleansChat.Tests.Support;

/// <summary>The whole application in this process, on a free port of 127.0.0.1, its log in memory and with <see cref="Tokens.Key"/> as its key.</summary>
internal sealed class ChatApp : IAsyncDisposable
{
    private readonly WebApplication _app;

    private ChatApp(WebApplication app, CapturedLogs logs) => (_app, Logs, Address) = (app, logs, new Uri(app.Urls.Single()));

    /// <summary>Every line it logged.</summary>
    public CapturedLogs Logs { get; }

    /// <summary>Where it listens.</summary>
    public Uri Address { get; }

    public IServiceProvider Services => _app.Services;

    /// <summary>The way of other services: past the sockets, to the grains.</summary>
    public IGrainFactory Grains => _app.Services.GetRequiredService<IGrainFactory>();

    /// <summary>Starts it. The defaults are a user's, but for the rate limit, which is off.</summary>
    /// <param name="settings">Configuration keys that are to be otherwise.</param>
    public static Task<ChatApp> StartAsync(params (string Key, string Value)[] settings) => StartAsync(_ => { }, settings);

    /// <summary>Starts it with more in it.</summary>
    /// <param name="configure">What is added.</param>
    /// <param name="settings">Configuration keys that are to be otherwise.</param>
    public static async Task<ChatApp> StartAsync(Action<WebApplicationBuilder> configure, params (string Key, string Value)[] settings)
    {
        (string Key, string Value)[] always =
        [
            ("urls", "http://127.0.0.1:0"), ("environment", "Production"), ("Auth:SigningKey", Tokens.Key), ("Chat:DataPath", ":memory:"),
            ("Chat:MessagesPerSecond", "0"), ("Chat:DrainTime", "00:00:00"),
        ];
        var chosen = always.Where(setting => !settings.Any(other => other.Key == setting.Key)).Concat(settings);
        var logs = new CapturedLogs();
        var app = FrontApp.Build(
            [.. chosen.Select(setting => $"--{setting.Key}={setting.Value}")],
            builder =>
            {
                builder.Logging.ClearProviders().AddProvider(logs);
                configure(builder);
            });
        await app.StartAsync(TestContext.Current.CancellationToken).Soon("the application starts");
        await app.Services.GetRequiredService<FrontFeed>().FirstComplete.Soon("the application is ready");
        return new ChatApp(app, logs);
    }

    /// <summary>Connects a user and reads <c>connected</c>.</summary>
    public async Task<ChatClient> ConnectAsync(string userId, params string[] roles)
    {
        var client = await ChatClient.ConnectAsync(Address, Tokens.For(userId, DateTimeOffset.MaxValue.AddYears(-1), roles: roles));
        await client.ExpectAsync($$"""{"type":"connected","userId":"{{userId}}","clientId":"*","username":"*","timestamp":"*","protocol":1,"heartbeat":"*","expiresAt":"*","limits":"*"}""");
        return client;
    }

    /// <summary>Connects a user and joins a room that has nothing to tell.</summary>
    public async Task<ChatClient> JoinAsync(string userId, string room)
    {
        var client = await ConnectAsync(userId);
        await client.JoinAsync(room);
        return client;
    }

    /// <summary>SIGTERM.</summary>
    public Task StopAsync() => _app.StopAsync(TestContext.Current.CancellationToken).Soon("the application stops");

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync(TestContext.Current.CancellationToken);
        await _app.DisposeAsync();
    }
}
