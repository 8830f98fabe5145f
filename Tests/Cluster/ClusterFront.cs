using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using OrleansChat.Grains.Interfaces;
using OrleansChat.Tests.Support;
using OrleansChat.WebFront;
using OrleansChat.WebFront.Auth;
using OrleansChat.WebFront.Frames;
using OrleansChat.WebFront.Rooms;
using OrleansChat.WebFront.Sockets;

namespace OrleansChat.Tests.Cluster;

/// <summary>A front of a <see cref="RedisCluster"/> as <see cref="FrontSetup"/> makes it, its loops running; only the sockets are missing.</summary>
internal sealed class ClusterFront : IAsyncDisposable
{
    private readonly RedisCluster _cluster;
    private readonly IHost _host;
    private readonly List<ClusterSession> _sessions = [];

    private ClusterFront(RedisCluster cluster, IHost host)
    {
        (_cluster, _host) = (cluster, host);
        cluster.GatewayLost += Loop.Hurry;
    }

    public FrontHub Hub => Get<FrontHub>();

    public FrontClaims Claims => Get<FrontClaims>();

    public LeaseLoop Loop => Get<LeaseLoop>();

    /// <summary>Starts a front and waits until it has its feeds.</summary>
    /// <param name="cluster">The cluster.</param>
    /// <param name="leaseRenewal">How often leases are renewed where nothing is wrong.</param>
    public static async Task<ClusterFront> StartAsync(RedisCluster cluster, string leaseRenewal = "00:00:05")
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["Chat:LeaseRenewal"] = leaseRenewal,
            ["Chat:MessagesPerSecond"] = "0",
        });
        builder.Services.AddSingleton(cluster.Client);
        builder.Services.AddSingleton<IGrainFactory>(cluster.Client);
        builder.Services.AddSingleton<IStoreSync, NoStoreSync>();
        builder.Services.AddSingleton<IActiveRooms, NoActiveRooms>();
        builder.Services.AddFront();
        var host = builder.Build();
        var front = new ClusterFront(cluster, host);
        await host.StartAsync(TestContext.Current.CancellationToken);
        await front.Get<FrontFeed>().FirstComplete.Soon("the front subscribes to its feeds");
        return front;
    }

    /// <summary>A session that is in rooms.</summary>
    public async Task<ClusterSession> JoinAsync(string userId, params string[] rooms)
    {
        var (options, time) = (Get<IOptions<FrontOptions>>(), TimeProvider.System);
        var connection = new Connection(Guid.NewGuid().ToString("N"), Stream.Null, () => { }, new Flusher(TimeProvider.System), options.Value, time, NullLogger.Instance);
        var identity = new Identity(userId, userId.ToUpperInvariant(), new HashSet<string>(), time.GetUtcNow().AddDays(1));
        var parts = new SessionParts(Hub, new FrameCodec(options), null!, _cluster.Client, options, time, NullLogger<Session>.Instance);
        var session = new ClusterSession(new Session(connection, identity, parts));
        Hub.Add(session.Session);
        _sessions.Add(session);
        foreach (var room in rooms)
        {
            await session.SendAsync($$$"""{"type":"join_room","payload":{"room":"{{{room}}}"}}""");
            await session.NextAsync("room_joined", "the room is joined");
        }

        return session;
    }

    public async ValueTask DisposeAsync()
    {
        _cluster.GatewayLost -= Loop.Hurry;
        foreach (var session in _sessions)
        {
            await session.Session.EndAsync();
            Hub.Remove(session.Session);
        }

        await _host.StopAsync();
        _host.Dispose();
    }

    private T Get<T>()
        where T : notnull => _host.Services.GetRequiredService<T>();
}
