using System.Net;
using System.Net.Sockets;
using Orleans.Configuration;
using OrleansChat.Grains;

namespace OrleansChat.WebFront;

/// <summary>A silo in this process: no Redis, no installation. The only place where a front touches <c>Grains</c>.</summary>
internal static class EmbeddedHost
{
    public static void AddEmbeddedSilo(this IHostApplicationBuilder builder) => builder.UseOrleans(silo =>
    {
        // Nobody else joins: the silo's port is any that is free, and there is no gateway.
        silo.UseLocalhostClustering(siloPort: FreePort(), gatewayPort: 0, serviceId: "orleanschat", clusterId: "embedded");
        silo.Configure<EndpointOptions>(endpoints => endpoints.AdvertisedIPAddress = IPAddress.Loopback);
        // Where a grain is, is known for so many of them without asking. The table is made for its full size at once: a million by default, far more than one process holds.
        silo.Configure<GrainDirectoryOptions>(directory => directory.CacheSize = 200_000);
        silo.UseEmbeddedStore();
    });

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
