using Microsoft.Extensions.DependencyInjection;
using Orleans.Providers;
using Orleans.Providers.Streams.Common;
using Orleans.Streams;

namespace OrleansChat.Streaming;

/// <summary>
/// The end of the streams of a silo that stops gracefully. Its grains deactivate at stage 19998 and may publish to the very end, so its agents
/// stop long after that (at Orleans' default stage they stop before, and the last events are lost), and not before everything is delivered.
/// </summary>
/// <remarks>
/// The last silo of a cluster, an embedded one above all, does otherwise: once its grains are gone nobody keeps the subscriptions any more, its
/// agents would fail to sign off and log an error for every stream, and Orleans finds no way to a client any more. So its agents stop first.
/// </remarks>
internal sealed class LocalQueueStop(
    string name, LocalQueueOptions options, LocalQueueAdapter adapter, IClusterMembershipService membership, ILocalSiloDetails self, IServiceProvider services)
    : ILifecycleParticipant<ISiloLifecycle>
{
    /// <summary>The stage at which agents start, and stop.</summary>
    public const int AgentStage = ServiceLifecycleStage.ApplicationServices + 1;

    private const int DrainStage = AgentStage + 1;
    private const int FirstToStop = ServiceLifecycleStage.Active + 1;
    private static readonly TimeSpan DrainCheck = TimeSpan.FromMilliseconds(5);

    private bool _agentsStopped;

    public void Participate(ISiloLifecycle lifecycle)
    {
        lifecycle.Subscribe($"{nameof(LocalQueueStop)}.{name}", FirstToStop, static _ => Task.CompletedTask, StopLastSiloAsync);
        lifecycle.Subscribe($"{nameof(LocalQueueStop)}.{name}", DrainStage, static _ => Task.CompletedTask, DrainAsync);
    }

    private async Task StopLastSiloAsync(CancellationToken cancellationToken)
    {
        if (membership.CurrentSnapshot.Members.Values.Any(silo => silo.Status == SiloStatus.Active && !silo.SiloAddress.Equals(self.SiloAddress))) return;
        await DrainAsync(cancellationToken);
        var agents = (IControllable)services.GetRequiredKeyedService<IStreamProvider>(name);
        await agents.ExecuteCommand((int)PersistentStreamProviderCommand.StopAgents, null!).WaitAsync(cancellationToken);
        _agentsStopped = true;
    }

    // Waits until every consumer has what was published, LocalQueueOptions.DrainTime at most.
    private async Task DrainAsync(CancellationToken cancellationToken)
    {
        var start = TimeProvider.System.GetTimestamp();
        // Twice in a row: between the cache and the cursors of a stream that is new to its agent, a batch counts nowhere for a moment.
        for (var calm = 0; calm < 2 && !_agentsStopped; calm = adapter.IsDelivered ? calm + 1 : 0)
        {
            if (TimeProvider.System.GetElapsedTime(start) >= options.DrainTime || cancellationToken.IsCancellationRequested) return;
            await Task.Delay(DrainCheck, TimeProvider.System, CancellationToken.None);
        }
    }
}
