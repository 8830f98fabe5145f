using OrleansChat.Hosting;
using OrleansChat.WebFront.Auth;
using OrleansChat.WebFront.Rooms;

namespace OrleansChat.WebFront;

/// <summary>The application, built but not started: what <c>Program</c> runs, and tests run beside their own clients.</summary>
internal static class FrontApp
{
    /// <param name="args">The command line: configuration keys, as in <c>--Chat:DataPath=:memory:</c>.</param>
    /// <param name="configure">What a test adds, before anything else is.</param>
    public static WebApplication Build(string[] args, Action<WebApplicationBuilder>? configure = null)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });
        configure?.Invoke(builder);
        builder.AddWeb();
        if (RedisAddress.Read(builder.Configuration) is { } redis)
            builder.AddClusterClient(redis);
        else
            builder.AddEmbeddedSilo();
        builder.Services.AddAuth();
        builder.Services.AddFront();

        var app = builder.Build();
        app.UsePage();
        app.MapAuth();
        app.MapHealth(() => app.Services.GetRequiredService<LeaseLoop>().HasCluster && !app.Services.GetRequiredService<FrontDrain>().IsStopping);
        app.MapChat();
        return app;
    }
}
