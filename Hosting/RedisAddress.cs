using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace OrleansChat.Hosting;

/// <summary>The key <c>ConnectionStrings:Redis</c>: where silos, and fronts that look for them, find their Redis.</summary>
internal static class RedisAddress
{
    /// <summary>Milliseconds between two attempts to reach a Redis that is away; the driver looks once a second.</summary>
    private const int Retry = 500;

    /// <returns>Null where the key is empty or not there.</returns>
    /// <exception cref="OptionsValidationException">It is not understood; the message names the key.</exception>
    public static ConfigurationOptions? Read(IConfiguration configuration)
    {
        if (configuration.GetConnectionString("Redis") is not { Length: > 0 } address)
            return null;
        try
        {
            var redis = ConfigurationOptions.Parse(address);

            // By itself the driver waits ever longer from one attempt to the next: rooms would accept nothing long after Redis is back.
            redis.ReconnectRetryPolicy = new LinearRetry(Retry);
            return redis;
        }
        catch (ArgumentException e)
        {
            throw Refused($"is not understood: {e.Message}");
        }
    }

    /// <summary>To be thrown.</summary>
    /// <param name="why">What follows the name of the key.</param>
    public static OptionsValidationException Refused(string why) =>
        new("ConnectionStrings:Redis", typeof(ConfigurationOptions), [$"ConnectionStrings:Redis {why}"]);
}
