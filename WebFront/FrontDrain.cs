using Microsoft.Extensions.Options;
using OrleansChat.WebFront.Frames;
using OrleansChat.WebFront.Rooms;
using OrleansChat.WebFront.Sockets;

namespace OrleansChat.WebFront;

/// <summary>
/// SIGTERM, or a cluster that is lost: the front is not ready any more, every client is told to reconnect after a time of its own, so that they do not
/// all arrive elsewhere at once, and is then closed with 1001.
/// </summary>
internal sealed partial class FrontDrain(FrontHub hub, IOptions<FrontOptions> options, IHostApplicationLifetime lifetime, TimeProvider time, ILogger<FrontDrain> logger)
    : IHostedService
{
    /// <summary>What clients are told when the process stops.</summary>
    public const string GoingAway = "This server is going away";

    private Task _drained = Task.CompletedTask;

    /// <summary>The process stops: no more connections.</summary>
    public bool IsStopping { get; private set; }

    public Task StartAsync(CancellationToken cancellationToken)
    {
        lifetime.ApplicationStopping.Register(() => _drained = EmptyAsync());
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => _drained.WaitAsync(cancellationToken);

    /// <summary>Sends everyone elsewhere: <c>reconnect</c> at once, the close spread over <c>Chat:DrainTime</c>.</summary>
    public async Task DrainAsync(string reason)
    {
        var sessions = hub.Sessions.ToArray();
        if (sessions.Length == 0)
            return;
        LogDraining(sessions.Length);
        Random.Shared.Shuffle(sessions);
        var window = options.Value.DrainTime;
        for (var i = 0; i < sessions.Length; i++)
            sessions[i].Send(new ServerFrame.Reconnect((long)(window.TotalMilliseconds * i / sessions.Length) + i + 1, reason));

        const int steps = 20;
        for (var step = 0; step < steps; step++)
        {
            foreach (var session in sessions.Where((_, i) => i % steps == step))
                session.Connection.Close(CloseCode.GoingAway, reason);
            if (step < steps - 1 && sessions.Length > steps)
                await Task.Delay(window / steps, time);
        }
    }

    private async Task EmptyAsync()
    {
        IsStopping = true;
        Interlocked.MemoryBarrier(); // Who connects adds itself and then looks here; we look there. One of us has to see the other.
        await DrainAsync(GoingAway);
        while (hub.SessionCount > 0 && !lifetime.ApplicationStopped.IsCancellationRequested)
            await Task.Delay(TimeSpan.FromMilliseconds(20), time);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Sending {Count} clients to other servers")]
    private partial void LogDraining(int count);
}
