using Microsoft.Extensions.Options;
using OrleansChat.WebFront.Rooms;

namespace OrleansChat.WebFront;

/// <summary>The one clock of all connections: pings, dead clients, close deadlines, tokens that run out. An idle connection has no timer of its own.</summary>
internal sealed class Heartbeat(FrontHub hub, IOptions<FrontOptions> options, TimeProvider time) : BackgroundService
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
            {
                session.Beat(now);
                session.Connection.Beat(timestamp);
            }
        }
    }
}
