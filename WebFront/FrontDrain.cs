using Microsoft.Extensions.Options;
using OrleansChat.WebFront.Frames;
using OrleansChat.WebFront.Rooms;
using OrleansChat.WebFront.Sockets;

namespace OrleansChat.WebFront;

/// <summary>
/// SIGTERM, or a cluster that is lost: the front is not ready any more, every client is told to reconnect after a time of its own, so that they do not
/// all arrive elsewhere at once, and is then closed with 1001.
/// </summary>
internal sealed partial class FrontDrain(
    FrontHub hub, OpenConnections open, IOptions<FrontOptions> options, IHostApplicationLifetime lifetime, TimeProvider time, ILogger<FrontDrain> logger) : IHostedService
{
    /// <summary>How long connections may take to end when they are torn down.</summary>
    private static readonly TimeSpan AbortPatience = TimeSpan.FromSeconds(1);

    /// <summary>What clients are told when the process stops.</summary>
    public const string GoingAway = "This server is going away";

    private Task _drained = Task.CompletedTask;

    /// <summary>The process stops: no more connections.</summary>
    public bool IsStopping { get; private set; }

    public Task StartAsync(CancellationToken cancellationToken)
    {
        lifetime.ApplicationStopping.Register(() =>
        {
            IsStopping = true;
            Interlocked.MemoryBarrier(); // Who connects adds itself and then looks here; we look there. One of us has to see the other.
            _drained = DrainAsync(GoingAway);
        });
        return Task.CompletedTask;
    }

    /// <summary>Waits for the last connection. Kestrel has stopped before: what it was still answering is a connection by now, or never will be.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _drained.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await WaitEmptyAsync(cancellationToken);
        if (open.Count == 0)
            return;

        LogAborting(open.Count);
        foreach (var session in hub.Sessions)
            session.Connection.Abort();
        using var patience = new CancellationTokenSource(AbortPatience, time);
        await WaitEmptyAsync(patience.Token);
    }

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

    /// <summary>Waits until every connection has ended and its leaving is told, or until cancelled.</summary>
    private async Task WaitEmptyAsync(CancellationToken cancelled)
    {
        while (open.Count > 0 && !cancelled.IsCancellationRequested)
            await Task.Delay(TimeSpan.FromMilliseconds(20), time, cancelled).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Sending {Count} clients to other servers")]
    private partial void LogDraining(int count);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Count} connections have not ended in time and are torn down")]
    private partial void LogAborting(int count);
}
