using OrleansChat.Tests.Support;
using StackExchange.Redis;

namespace OrleansChat.Tests.Logs;

/// <summary>One Redis for the tests of a class.</summary>
public sealed class RedisForLogs : IAsyncLifetime
{
    public RedisServer Server { get; private set; } = null!;

    public IConnectionMultiplexer Connection { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Server = await RedisServer.StartAsync();
        Connection = await Server.ConnectAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await Connection.DisposeAsync();
        await Server.DisposeAsync();
    }
}
