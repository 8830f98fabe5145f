namespace OrleansChat.Bench.Load;

/// <summary>What a run does, checked.</summary>
internal sealed record LoadPlan
{
    public required WorkloadKind Workload { get; init; }

    /// <summary>One server or several; a room's members are spread over them in turn.</summary>
    public required IReadOnlyList<ServerAddress> Servers { get; init; }

    public required string Dialect { get; init; }

    public required int Rooms { get; init; }

    /// <summary>Clients in each room; the rooms of an idle run may differ by one.</summary>
    public required int Members { get; init; }

    /// <summary>Clients that publish, in each room.</summary>
    public required int Publishers { get; init; }

    /// <summary>Messages that a publisher has under way; 0 in an open loop.</summary>
    public int Window { get; init; }

    /// <summary>Messages a second over all publishers; 0 in a closed loop.</summary>
    public double Rate { get; init; }

    public required int TextBytes { get; init; }

    /// <summary>Clients that are on their way into their room at any time.</summary>
    public required int Parallel { get; init; }

    public required TimeSpan Warmup { get; init; }

    /// <summary>How long is measured, or, in an idle run, held.</summary>
    public required TimeSpan Duration { get; init; }

    public required string SigningKey { get; init; }

    public required IReadOnlyList<int> Pids { get; init; }

    public required bool Json { get; init; }

    /// <summary>Clients in all.</summary>
    public int Connections { get; init; }
}

/// <summary>The workloads.</summary>
internal enum WorkloadKind
{
    Fanout,
    Lockstep,
    Idle,
}
