using System.Collections.Concurrent;

namespace OrleansChat.Chaos;

/// <summary>Carries out a schedule. What is broken is mended after its time; faults may overlap, but one silo and one front always stay.</summary>
internal sealed class Storm(Cluster cluster, IReadOnlyList<ChaosClient> clients, Ghosts ghosts, Clock clock, TextWriter output)
{
    private readonly ConcurrentQueue<Struck> _struck = new();

    /// <summary>What was done and when.</summary>
    public IReadOnlyList<Struck> Done => [.. _struck.OrderBy(struck => struck.From)];

    /// <summary>Carries the faults out; ends when everything is up again.</summary>
    public async Task RunAsync(IReadOnlyList<Fault> faults, CancellationToken stop)
    {
        var start = clock.Now;
        var mending = new List<Task>();
        foreach (var fault in faults)
        {
            await clock.Delay(start + fault.At - clock.Now, stop);
            if (fault.Kind is FaultKind.EverythingKill or FaultKind.RollingRestart)
                await Task.WhenAll(mending);
            mending.Add(StrikeAsync(fault, stop));
        }

        await Task.WhenAll(mending);
    }

    private Task StrikeAsync(Fault fault, CancellationToken stop) => fault.Kind switch
    {
        FaultKind.SiloKill => AwayAsync(fault, Choose(cluster.Silos, fault), node => node.KillAsync(), stop),
        FaultKind.SiloStop => AwayAsync(fault, Choose(cluster.Silos, fault), node => node.StopAsync(), stop),
        FaultKind.FrontKill => KillFrontAsync(fault, Choose(cluster.Fronts, fault), stop),
        FaultKind.FrontStop => AwayAsync(fault, Choose(cluster.Fronts, fault), node => node.StopAsync(), stop),
        FaultKind.RedisKill => AwayAsync(fault, cluster.Redis.IsUp ? cluster.Redis : null, node => node.KillAsync(), stop),
        FaultKind.SiloStall => StallAsync(fault, Choose(cluster.Silos, fault), stop),
        FaultKind.FrontStall => StallAsync(fault, Choose(cluster.Fronts, fault), stop),
        FaultKind.RedisStall => StallAsync(fault, cluster.Redis.IsUp ? cluster.Redis : null, stop),
        FaultKind.ClientsCut => CutAsync(fault),
        FaultKind.RollingRestart => RollAsync(fault, stop),
        FaultKind.EverythingKill => CrashAsync(fault, stop),
        _ => throw new NotSupportedException($"{fault.Kind}"),
    };

    /// <summary>One that is up, where another one stays up.</summary>
    private static Node? Choose(IReadOnlyList<Node> nodes, Fault fault)
    {
        var up = nodes.Where(node => node.IsUp).ToList();
        return up.Count < 2 ? null : up[fault.Target % up.Count];
    }

    private async Task AwayAsync(Fault fault, Node? node, Func<Node, Task> end, CancellationToken stop)
    {
        if (node is null)
            return;
        using var struck = Begin(fault, node.Name);
        await end(node);
        await clock.Delay(fault.Away, stop);
        await node.StartAsync(stop);
    }

    private async Task KillFrontAsync(Fault fault, Node? node, CancellationToken stop)
    {
        if (node is null)
            return;
        var ghost = await ghosts.PlantAsync(cluster.Fronts.ToList().IndexOf(node), stop);
        await AwayAsync(fault, node, async front =>
        {
            await front.KillAsync();
            ghost?.Haunt(stop);
        }, stop);
    }

    private async Task StallAsync(Fault fault, Node? node, CancellationToken stop)
    {
        if (node is null)
            return;
        using var struck = Begin(fault, node.Name);
        if (!await node.StallAsync(fault.Away, mayEnd: fault.Kind == FaultKind.SiloStall, stop))
            await node.StartAsync(stop);
    }

    private Task CutAsync(Fault fault)
    {
        var cut = clients.Where((_, i) => (i + fault.Target) % 2 == 0).ToList();
        using var struck = Begin(fault, FormattableString.Invariant($"{cut.Count} of them"));
        cut.ForEach(client => client.Cut());
        return Task.CompletedTask;
    }

    private async Task RollAsync(Fault fault, CancellationToken stop)
    {
        using var struck = Begin(fault, "silos, then fronts");
        foreach (var node in cluster.Silos.Concat(cluster.Fronts))
        {
            await node.StopAsync();
            await node.StartAsync(stop);
        }
    }

    private async Task CrashAsync(Fault fault, CancellationToken stop)
    {
        using var struck = Begin(fault, "");
        await cluster.KillAsync();
        await clock.Delay(fault.Away, stop);
        await cluster.StartAsync(stop);
    }

    private Struck Begin(Fault fault, string target)
    {
        output.WriteLine(FormattableString.Invariant($"{clock.Now.TotalSeconds,7:0.0} s  {fault.Name}  {target}"));
        var struck = new Struck(fault, target, clock);
        _struck.Enqueue(struck);
        return struck;
    }
}

/// <summary>A fault that was carried out.</summary>
internal sealed class Struck(Fault fault, string target, Clock clock) : IDisposable
{
    public Fault Fault => fault;

    public string Target => target;

    public TimeSpan From { get; } = clock.Now;

    /// <summary>When what was broken was up again.</summary>
    public TimeSpan? To { get; private set; }

    public void Dispose() => To = clock.Now;
}
