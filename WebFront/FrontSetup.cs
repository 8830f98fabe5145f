using OrleansChat.WebFront.Frames;
using OrleansChat.WebFront.Rooms;
using OrleansChat.WebFront.Sockets;

namespace OrleansChat.WebFront;

/// <summary>Puts the chat into a web application.</summary>
internal static class FrontSetup
{
    public static IServiceCollection AddFront(this IServiceCollection services)
    {
        services.AddOptions<FrontOptions>().BindConfiguration(FrontOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton(TimeProvider.System);
        services.AddSingleton<FrameCodec>();
        services.AddSingleton<OriginCheck>();
        services.AddSingleton<Flushers>();
        services.AddSingleton<OpenConnections>();
        services.AddSingleton<FrontClaims>();
        services.AddSingleton<FrontHub>();
        services.AddSingleton<FrontFeed>();
        services.AddSingleton<FrontDrain>();
        services.AddSingleton<LeaseLoop>();
        services.AddSingleton<SessionParts>();
        services.AddSingleton<ChatEndpoint>();
        services.AddHostedService(provider => provider.GetRequiredService<LeaseLoop>());
        services.AddHostedService<Heartbeat>();
        // Behind the clock, so stopped before it: connections that do not answer their close need it.
        services.AddHostedService(provider => provider.GetRequiredService<FrontDrain>());
        return services;
    }

    public static void MapChat(this WebApplication app) =>
        app.Map("/ws", context => context.RequestServices.GetRequiredService<ChatEndpoint>().AnswerAsync(context));

    /// <summary>Live: the process runs. Ready: it has the cluster and takes connections.</summary>
    public static void MapHealth(this WebApplication app)
    {
        app.MapGet("/healthz/live", context => context.Response.WriteAsync("live"));
        app.MapGet("/healthz/ready", context =>
        {
            var isReady = context.RequestServices.GetRequiredService<LeaseLoop>().HasCluster && !context.RequestServices.GetRequiredService<FrontDrain>().IsStopping;
            context.Response.StatusCode = isReady ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
            return context.Response.WriteAsync(isReady ? "ready" : "not ready");
        });
    }
}
