using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace OrleansChat.WebFront.Auth;

/// <summary>Puts tokens into an application.</summary>
internal static class AuthSetup
{
    /// <summary><see cref="AuthOptions"/> from the section <c>Auth</c>, checked at start, and the <see cref="TokenReader"/>.</summary>
    public static IServiceCollection AddAuth(this IServiceCollection services)
    {
        services.AddOptions<AuthOptions>().BindConfiguration(AuthOptions.Section).ValidateOnStart();
        services.AddSingleton<IValidateOptions<AuthOptions>, AuthOptionsCheck>();
        services.AddSingleton(provider => provider.GetRequiredService<IOptions<AuthOptions>>().Value);
        services.AddSingleton(provider => SigningSecret.Of(provider.GetRequiredService<AuthOptions>(), provider.GetRequiredService<IHostEnvironment>().IsDevelopment()));
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton<JwksKeys>();
        services.AddSingleton<TokenReader>();
        return services;
    }
}
