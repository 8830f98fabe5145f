using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using OrleansChat.WebFront;

namespace OrleansChat.Tests.Architecture;

/// <summary>The options as a front with a silo inside registers them, without the rest of it: what its start checks can be checked a hundred times a second.</summary>
internal static class ProductOptions
{
    private static readonly HashSet<Type> Ours = [.. OptionKey.All.Select(option => option.Property.DeclaringType!)];

    private static readonly Lazy<IServiceCollection> Services = new(Collect);

    /// <summary>Arguments of a front that starts.</summary>
    public static string[] Good { get; } = ["--environment=Development", "--urls=http://127.0.0.1:0", "--Chat:DataPath=:memory:"];

    /// <summary>Does what a start does with the options, with one key set.</summary>
    public static void Validate(string key, string value)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection([KeyValuePair.Create(key, (string?)value)]).Build();
        using var provider = new ServiceCollection().Add(Services.Value).AddSingleton<IConfiguration>(configuration).BuildServiceProvider();
        provider.GetRequiredService<IStartupValidator>().Validate();
    }

    private static IServiceCollection Collect()
    {
        IServiceCollection? all = null;
        using var app = FrontApp.Build(Good, builder =>
        {
            all = builder.Services;
            builder.Logging.ClearProviders();
        });
        return new ServiceCollection().Add(all!.Where(IsAboutOurOptions)).AddOptions().AddSingleton(app.Services.GetRequiredService<IHostEnvironment>());
    }

    private static bool IsAboutOurOptions(ServiceDescriptor service)
    {
        var type = service.ServiceType;
        if (type == typeof(IStartupValidator))
            return true;
        return type.IsConstructedGenericType && type.Namespace == typeof(IOptions<>).Namespace
            && (Ours.Contains(type.GenericTypeArguments[0]) || type.GenericTypeArguments[0].Name == "StartupValidatorOptions");
    }
}
