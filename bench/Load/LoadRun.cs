using System.Diagnostics;
using OrleansChat.Bench.Load.Dialects;

namespace OrleansChat.Bench.Load;

/// <summary>One run: connect, warm up, measure, wait for what is still under way, report.</summary>
internal sealed class LoadRun
{
    private const int WarmConnections = 500;
    private static readonly TimeSpan DrainTime = TimeSpan.FromSeconds(10);

    private readonly LoadPlan _plan;
    private readonly Faults _faults = new();
    private readonly Meter _meter = new();
    private readonly string _run = Guid.NewGuid().ToString("N")[..8];

    private LoadRun(LoadPlan plan) => _plan = plan;

    public static LoadReport Execute(LoadPlan plan) => new LoadRun(plan).Execute();

    private LoadReport Execute()
    {
        const int own = 100;
        if (_plan.Connections + own > Posix.OpenFilesLimit())
            throw new LoadException($"{_plan.Connections} connections need more open files than this shell allows ({Posix.OpenFilesLimit()}): raise `ulimit -n`.");

        var empty = _plan.Pids.Select(ProcessUse.Kib).ToArray();
        if (_plan.Workload is WorkloadKind.Idle)
            WarmUpConnecting();

        var conversation = new Conversation(_plan, _run, _faults, _meter);
        using var loop = new LoadLoop(_plan, conversation, Clients());
        var connecting = Stopwatch.GetTimestamp();
        loop.Enter(_plan.Parallel);
        var connectTime = Stopwatch.GetElapsedTime(connecting);
        var others = _meter.Others;

        _ = (CpuOfAll(), Environment.CpuUsage); // So that they are compiled.
        loop.Workload = Workload.Of(_plan);
        loop.Workload?.Begin(loop);
        loop.Run(_plan.Warmup);

        var before = CpuOfAll();
        var ownBefore = Environment.CpuUsage.TotalTime;
        var began = Stopwatch.GetTimestamp();
        _meter.Restart();
        loop.Run(_plan.Duration);
        _meter.Stop();
        var time = Stopwatch.GetElapsedTime(began);
        var ownCpu = Environment.CpuUsage.TotalTime - ownBefore;
        var after = CpuOfAll();
        var kib = _plan.Pids.Select(ProcessUse.Kib).ToArray();

        loop.Workload?.Stop();
        Drain(loop);
        return LoadReport.Of(_plan, _meter, _faults) with
        {
            Seconds = time.TotalSeconds,
            ConnectsPerSecond = _plan.Connections / connectTime.TotalSeconds,
            DeliveredPerSecond = _meter.Delivered / time.TotalSeconds,
            PublishedPerSecond = _meter.Published / time.TotalSeconds,
            OtherFramesWhileConnecting = others,
            GeneratorCpuShare = ownCpu / time,
            Servers = [.. _plan.Pids.Select((pid, i) => ServerUse.Of(pid, after[i] - before[i], time, _meter.Delivered, empty[i], kib[i], _plan.Connections))],
        };
    }

    private TimeSpan[] CpuOfAll() => [.. _plan.Pids.Select(ProcessUse.Cpu)];

    /// <summary>Some connections that are not counted, so that the first counted one finds compiled code.</summary>
    private void WarmUpConnecting()
    {
        var count = Math.Min(WarmConnections, _plan.Connections);
        var plan = _plan with { Rooms = 1, Members = count, Connections = count };
        var clients = Enumerable.Range(0, count).Select(i => new Client(i, room: 0, place: i, $"warm-{_run}-{i}")).ToArray();
        using var loop = new LoadLoop(plan, new Conversation(plan, $"warm-{_run}", new Faults(), new Meter()), clients);
        loop.Enter(plan.Parallel);
        loop.Run(TimeSpan.FromSeconds(0.5));
    }

    private Client[] Clients()
    {
        var clients = new Client[_plan.Connections];
        for (var i = 0; i < clients.Length; i++)
        {
            var (place, room) = Math.DivRem(i, _plan.Rooms);
            clients[i] = new Client(i, room, place, $"load-{_run}-{i}");
            if (_plan.Publishers == 0)
                continue;
            var firstSender = (uint)(room * _plan.Publishers);
            clients[i].Check = new DeliveryCheck(firstSender, _plan.Publishers, _faults);
            clients[i].Sender = place < _plan.Publishers ? firstSender + (uint)place : uint.MaxValue;
        }

        return clients;
    }

    /// <summary>Waits for all that was sent, and counts what did not come.</summary>
    private void Drain(LoadLoop loop)
    {
        var sent = loop.Clients.Sum(client => (long)client.Sent);
        var hasAcks = Dialect.Named(_plan.Dialect).HasAcks;
        loop.Run(DrainTime, () => _meter.TotalDelivered + _faults.Skipped >= sent * _plan.Members && (!hasAcks || _meter.TotalAcks >= sent));
        _faults.MissingAcks = hasAcks ? Math.Max(0, sent - _meter.TotalAcks) : 0;
        if (_plan.Publishers == 0)
            return;
        foreach (var client in loop.Clients)
        {
            for (var sender = 0; sender < _plan.Publishers; sender++)
                _faults.Missing += loop.Clients[(sender * _plan.Rooms) + client.Room].Sent - client.Check!.Next(sender);
        }
    }
}
