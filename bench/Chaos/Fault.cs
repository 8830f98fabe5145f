namespace OrleansChat.Chaos;

/// <summary>Something that is done to the cluster.</summary>
/// <param name="At">When, from the start of the talk.</param>
/// <param name="Kind">What.</param>
/// <param name="Target">To which of its kind; another one where that is away already.</param>
/// <param name="Away">For how long; then it is started again.</param>
internal sealed record Fault(TimeSpan At, FaultKind Kind, int Target, TimeSpan Away)
{
    /// <summary>What a mixed schedule draws from.</summary>
    public static readonly FaultKind[] Mixed =
    [
        FaultKind.SiloKill, FaultKind.SiloStop, FaultKind.FrontKill, FaultKind.FrontStop, FaultKind.SiloStall, FaultKind.FrontStall,
        FaultKind.RedisStall, FaultKind.RedisKill, FaultKind.ClientsCut,
    ];

    public string Name => Kind switch
    {
        FaultKind.SiloKill => "silo kill -9",
        FaultKind.SiloStop => "silo SIGTERM",
        FaultKind.FrontKill => "front kill -9",
        FaultKind.FrontStop => "front SIGTERM",
        FaultKind.RedisStall => "Redis stalled",
        FaultKind.RedisKill => "Redis kill -9",
        FaultKind.SiloStall => "silo stalled",
        FaultKind.FrontStall => "front stalled",
        FaultKind.ClientsCut => "clients cut off",
        FaultKind.RollingRestart => "rolling restart",
        FaultKind.EverythingKill => "everything kill -9",
        _ => Kind.ToString(),
    };
}

/// <summary>What can be done to the cluster.</summary>
internal enum FaultKind
{
    SiloKill,
    SiloStop,
    FrontKill,
    FrontStop,
    SiloStall,
    FrontStall,
    RedisStall,
    RedisKill,
    ClientsCut,
    RollingRestart,
    EverythingKill,
}
