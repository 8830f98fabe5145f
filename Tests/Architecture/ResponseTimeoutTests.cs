using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using OrleansChat.Grains.Interfaces;
using OrleansChat.WebFront;

namespace OrleansChat.Tests.Architecture;

/// <summary>Orleans ends a call that is not answered: a front sets no timer of its own for what has time for that.</summary>
public sealed class ResponseTimeoutTests
{
    [Fact]
    public void A_call_in_one_process_ends_in_time() => Assert.Equal(Deadlines.Call, Options<SiloMessagingOptions>().ResponseTimeout);

    [Fact]
    public void A_call_of_a_front_to_a_cluster_ends_in_time() =>
        Assert.Equal(Deadlines.Call, Options<ClientMessagingOptions>("--ConnectionStrings:Redis=127.0.0.1:1").ResponseTimeout);

    private static T Options<T>(params string[] arguments)
        where T : class
    {
        using var app = FrontApp.Build([.. ProductOptions.Good, .. arguments], builder => builder.Logging.ClearProviders());
        return app.Services.GetRequiredService<IOptions<T>>().Value;
    }
}
