using Microsoft.Extensions.Options;
using OrleansChat.WebFront.Rooms;

namespace OrleansChat.WebFront;

/// <summary>The one clock of all connections: pings, dead clients, close deadlines, tokens that run out. An idle connection has no timer of its own.</summary>
internal sealed partial class Heartbeat(FrontHub hub, IOptions<FrontOptions> options, TimeProvider time, ILogger<Heartbeat> logger) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // A quarter of the shortest wait, so that nothing is noticed much too late; a second is fine enough for the defaults.
        var shortest = Math.Min(options.Value.HeartbeatInterval.TotalSeconds, options.Value.HeartbeatTimeout.TotalSeconds);
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(Math.Clamp(shortest / 4, 0.025, 0.5)), time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            var (timestamp, now) = (time.GetTimestamp(), time.GetUtcNow());
            foreach (var session in hub.Sessions)
                Beat(session, timestamp, now);
        }
    }

    /// <summary>A connection may end while it is looked at, its request with it: that must not stop the clock of all others.</summary>
    private void Beat(Session session, long timestamp, DateTimeOffset now)
    {
        try
        {
            session.Beat(now);
            session.Connection.Beat(timestamp);
        }
        catch (Exception e)
        {
            LogFailed(e, session.ClientId);
        }
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "Connection {ClientId} could not be looked after")]
    private partial void LogFailed(Exception e, string clientId);
}
