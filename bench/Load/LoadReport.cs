using System.Text.Json;
using System.Text.Json.Serialization;

namespace OrleansChat.Bench.Load;

/// <summary>What a run found. The JSON on standard output is this record.</summary>
internal sealed record LoadReport
{
    public required string Workload { get; init; }

    public required string Dialect { get; init; }

    public required int Rooms { get; init; }

    public required int Members { get; init; }

    public required int Publishers { get; init; }

    public required int Window { get; init; }

    public required double Rate { get; init; }

    public required int TextBytes { get; init; }

    public required int Connections { get; init; }

    public double Seconds { get; init; }

    /// <summary>From the first connect to the last client in its room.</summary>
    public double ConnectsPerSecond { get; init; }

    public double DeliveredPerSecond { get; init; }

    public double PublishedPerSecond { get; init; }

    public required long Delivered { get; init; }

    /// <summary>Publish to delivery.</summary>
    public required Times LatencyMs { get; init; }

    public required long Acks { get; init; }

    /// <summary>Publish to ack.</summary>
    public required Times AckMs { get; init; }

    /// <summary>Greetings, presence, occupancy: frames that a join costs.</summary>
    public long OtherFramesWhileConnecting { get; init; }

    /// <summary>This generator's CPU time per time: 1 is a whole core.</summary>
    public double GeneratorCpuShare { get; init; }

    public IReadOnlyList<ServerUse> Servers { get; init; } = [];

    public required Faults Faults { get; init; }

    public static LoadReport Of(LoadPlan plan, Meter meter, Faults faults) => new()
    {
        Workload = plan.Workload.ToString().ToLowerInvariant(),
        Dialect = plan.Dialect,
        Rooms = plan.Rooms,
        Members = plan.Members,
        Publishers = plan.Publishers,
        Window = plan.Window,
        Rate = plan.Rate,
        TextBytes = plan.TextBytes,
        Connections = plan.Connections,
        Delivered = meter.Delivered,
        LatencyMs = Times.Of(meter.Deliveries),
        Acks = meter.Acks.Count,
        AckMs = Times.Of(meter.Acks),
        Faults = faults,
    };

    public string ToJson() => JsonSerializer.Serialize(this, LoadJson.Default.LoadReport);
}

/// <summary>Milliseconds.</summary>
internal sealed record Times(double P50, double P99, double P999, double Max)
{
    public static Times Of(Latencies latencies) =>
        new(latencies.Percentile(0.5), latencies.Percentile(0.99), latencies.Percentile(0.999), latencies.Max / 1_000.0);
}

/// <summary>What a server's process used.</summary>
/// <param name="Pid">Its id.</param>
/// <param name="CpuShare">CPU time per time while it was measured: 1 is a whole core.</param>
/// <param name="CpuMicrosPerDelivery">0 where nothing was delivered.</param>
/// <param name="EmptyKib">Before the first connection of the run.</param>
/// <param name="Kib">At the end of what was measured.</param>
/// <param name="KibPerConnection">The difference, for each connection.</param>
internal sealed record ServerUse(int Pid, double CpuShare, double CpuMicrosPerDelivery, long EmptyKib, long Kib, double KibPerConnection)
{
    public static ServerUse Of(int pid, TimeSpan cpu, TimeSpan time, long delivered, long emptyKib, long kib, int connections) =>
        new(pid, cpu / time, delivered == 0 ? 0 : cpu.TotalMicroseconds / delivered, emptyKib, kib, (kib - emptyKib) / (double)connections);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(LoadReport))]
internal sealed partial class LoadJson : JsonSerializerContext;
