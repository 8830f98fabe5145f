using System.Net;

namespace OrleansChat.Bench.Load;

/// <summary>Where a server listens.</summary>
/// <param name="EndPoint">IPv4.</param>
/// <param name="Path">With query; <c>{room}</c> and <c>{token}</c> are replaced.</param>
internal sealed record ServerAddress(IPEndPoint EndPoint, string Path)
{
    /// <exception cref="LoadException">It is no <c>ws://</c> address, or not this machine's.</exception>
    public static ServerAddress Parse(string url, string defaultPath, bool allowRemote)
    {
        if (!Uri.TryCreate(url, UriKind.Absolute, out var uri) || uri.Scheme != "ws" || uri.HostNameType is UriHostNameType.IPv6)
            throw new LoadException($"--url '{url}' is no address such as ws://127.0.0.1:8080/ws (IPv4, no TLS).");
        IPAddress address;
        try
        {
            address = Dns.GetHostAddresses(uri.Host, System.Net.Sockets.AddressFamily.InterNetwork)[0];
        }
        catch (System.Net.Sockets.SocketException e)
        {
            throw new LoadException($"--url '{url}': {e.Message}.");
        }

        if (!IPAddress.IsLoopback(address) && !allowRemote)
            throw new LoadException($"--url '{url}' is not this machine. A load test that hits others is an attack: --allow-remote says that they agree.");
        // Uri would escape the braces.
        var path = url.IndexOf('/', "ws://".Length) is var slash and > 0 ? url[slash..] : "/";
        return new ServerAddress(new IPEndPoint(address, uri.Port), path == "/" ? defaultPath : path);
    }
}
