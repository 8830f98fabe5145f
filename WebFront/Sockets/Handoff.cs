using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace OrleansChat.WebFront.Sockets;

/// <summary>
/// A connection that outlives the HTTP request that came on it: when the request is over, Kestrel's HTTP part ends without touching the transport and becomes
/// garbage, and what was left here goes on with the transport. Found among the connection's features; Kestrel disposes the transport when that ends, too.
/// </summary>
/// <remarks>It lies outside of TLS, whose stream ends with the request: such connections, and those of HTTP/2, stay with their request.</remarks>
internal sealed class Handoff : IConnectionHeartbeatFeature
{
    private Func<Task>? _next;
    private Action? _beat;

    private Handoff(ConnectionContext connection)
    {
        Connection = connection;
        var heartbeat = connection.Features.Get<IConnectionHeartbeatFeature>();
        heartbeat?.OnHeartbeat(static handoff => ((Handoff)handoff)._beat?.Invoke(), this);
        connection.Features.Set(this);
        connection.Features.Set<IConnectionHeartbeatFeature>(this);
    }

    public ConnectionContext Connection { get; }

    /// <summary>The connection middleware.</summary>
    public static ConnectionDelegate Around(ConnectionDelegate http) => connection => new Handoff(connection).RunAsync(http);

    /// <summary>Says what goes on with the transport when the request is over.</summary>
    public void Continue(Func<Task> next) => _next = next;

    /// <summary>HTTP's timeouts live by this beat, and it would hold HTTP's objects in memory. One of them begins when a request ends, for its last bytes: it must not meet what comes after.</summary>
    void IConnectionHeartbeatFeature.OnHeartbeat(Action<object> action, object state) => _beat += () => action(state);

    private async Task RunAsync(ConnectionDelegate http)
    {
        try
        {
            await http(Connection);
        }
        finally
        {
            _beat = null;
            if (_next is { } next)
            {
                _next = null;
                await next();
            }
        }
    }
}
