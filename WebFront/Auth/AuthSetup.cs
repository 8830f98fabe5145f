using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace OrleansChat.WebFront.Auth;

/// <summary>Puts tokens into an application: <c>builder.Services.AddAuth()</c>, then <c>app.MapAuth()</c>.</summary>
internal static class AuthSetup
{
    // At Information it writes every request's URL, and with it ?token=.
    private const string UrlLoggingCategory = "Microsoft.AspNetCore.Hosting.Diagnostics";

    /// <summary>
    /// <see cref="AuthOptions"/> from the section <c>Auth</c>, checked at start; the <see cref="TokenReader"/>; and the two endpoints. Also keeps the framework's
    /// own line per request, which has the URL in it, out of the log.
    /// </summary>
    public static IServiceCollection AddAuth(this IServiceCollection services)
    {
        services.AddOptions<AuthOptions>().BindConfiguration(AuthOptions.Section).ValidateOnStart();
        services.AddSingleton<IValidateOptions<AuthOptions>, AuthOptionsCheck>();
        services.AddSingleton(provider => provider.GetRequiredService<IOptions<AuthOptions>>().Value);
        services.AddSingleton(provider => SigningSecret.Of(provider.GetRequiredService<AuthOptions>(), provider.GetRequiredService<IHostEnvironment>().IsDevelopment()));
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton<JwksKeys>();
        services.AddSingleton<TokenReader>();
        services.AddSingleton<TokenIssuer>();
        services.AddSingleton<GuestEndpoint>();
        services.AddSingleton<DevTokenEndpoint>();
        services.AddHostedService<AuthStart>();
        // After whatever the configuration says: the last of equally fitting rules counts.
        services.PostConfigure<LoggerFilterOptions>(filters => filters.Rules.Add(new LoggerFilterRule(null, UrlLoggingCategory, LogLevel.Warning, null)));
        return services;
    }

    /// <summary><c>POST /auth/guest</c> (404 where guests are off) and, in Development alone, <c>POST /dev/token</c>.</summary>
    public static IEndpointRouteBuilder MapAuth(this IEndpointRouteBuilder routes)
    {
        routes.MapPost("/auth/guest", context => context.RequestServices.GetRequiredService<GuestEndpoint>().AnswerAsync(context));
        if (routes.ServiceProvider.GetRequiredService<IHostEnvironment>().IsDevelopment())
            routes.MapPost("/dev/token", context => context.RequestServices.GetRequiredService<DevTokenEndpoint>().AnswerAsync(context));
        return routes;
    }
}
