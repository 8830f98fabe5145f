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
        services.AddSingleton<SyncedAnswers>();
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
}
