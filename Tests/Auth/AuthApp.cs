using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using OrleansChat.Tests.Support;
using OrleansChat.WebFront.Auth;

namespace OrleansChat.Tests.Auth;

/// <summary>A small application with <c>AddAuth</c> and <c>MapAuth</c> on a free port, and <c>GET /who</c>, which wants a token.</summary>
internal sealed class AuthApp : IAsyncDisposable
{
    public const long Now = 1_800_000_000;

    private readonly WebApplication _app;

    private AuthApp(WebApplication app, CapturedLogs logs, FakeTimeProvider time) =>
        (_app, Logs, Time, Client) = (app, logs, time, new HttpClient { BaseAddress = new Uri(app.Urls.Single()) });

    public CapturedLogs Logs { get; }

    public FakeTimeProvider Time { get; }

    public HttpClient Client { get; }

    public static async Task<AuthApp> StartAsync(string environment, params (string Key, string Value)[] settings)
    {
        var (app, logs, time) = Build(environment, settings);
        await app.StartAsync(TestContext.Current.CancellationToken);
        return new AuthApp(app, logs, time);
    }

    public static (WebApplication App, CapturedLogs Logs, FakeTimeProvider Time) Build(string environment, params (string Key, string Value)[] settings)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { EnvironmentName = environment });
        builder.Configuration.AddInMemoryCollection(settings.Select(setting => KeyValuePair.Create(setting.Key, (string?)setting.Value)));
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var logs = new CapturedLogs();
        builder.Logging.ClearProviders().AddProvider(logs).SetMinimumLevel(LogLevel.Trace).AddFilter("Microsoft.AspNetCore", LogLevel.Trace).AddFilter("OrleansChat", LogLevel.Trace);
        var time = new FakeTimeProvider(DateTimeOffset.FromUnixTimeSeconds(Now));
        builder.Services.AddSingleton<TimeProvider>(time);
        builder.Services.AddAuth();

        var app = builder.Build();
        app.MapAuth();
        app.MapGet("/who", async (HttpContext context, TokenReader reader, AuthOptions options) =>
        {
            var reading = await reader.ReadAsync(TokenLocation.Find(context.Request, options.QueryToken), context.RequestAborted);
            if (reading.IsGood)
                await context.Response.WriteAsync($"{reading.Identity.UserId} {reading.Identity.Username} {string.Join(',', reading.Identity.Roles)}");
            else
                await AuthProblem.WriteUnauthorizedAsync(context, reading.Refusal);
        });
        return (app, logs, time);
    }

    /// <summary>The status and the body of one request.</summary>
    public async Task<Answer> SendAsync(HttpMethod method, string path, string? body = null, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, path);
        if (body is not null)
            request.Content = new StringContent(body);
        foreach (var (name, value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        using var response = await Client.SendAsync(request, TestContext.Current.CancellationToken);
        var all = response.Headers.Concat(response.Content.Headers).ToDictionary(header => header.Key, header => string.Join(", ", header.Value), StringComparer.OrdinalIgnoreCase);
        return new Answer((int)response.StatusCode, await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), all);
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _app.DisposeAsync();
    }

    internal sealed record Answer(int Status, string Body, IReadOnlyDictionary<string, string> Headers);
}
