namespace OrleansChat.Chaos;

/// <summary>What is broken when: drawn from the seed alone, before the run begins.</summary>
internal static class Schedule
{
    public static IReadOnlyList<Fault> Draw(ChaosOptions options) => options.Mode switch
    {
        "mixed" => DrawMixed(options),
        "short" => Short,
        "rolling" => DrawEvery(options, FaultKind.RollingRestart, TimeSpan.FromSeconds(60)),
        "crash" => DrawEvery(options, FaultKind.EverythingKill, TimeSpan.FromSeconds(30)),
        _ => [],
    };

    /// <summary>How long clients talk.</summary>
    public static TimeSpan Length(ChaosOptions options) => options.Mode == "short" ? TimeSpan.FromSeconds(41) : options.Duration;

    // The front first, so that its ghosts' lease ends while the rest goes on.
    private static readonly Fault[] Short =
    [
        new(TimeSpan.FromSeconds(1), FaultKind.FrontKill, 0, TimeSpan.FromSeconds(3)),
        new(TimeSpan.FromSeconds(8), FaultKind.SiloKill, 0, TimeSpan.FromSeconds(7)),
        new(TimeSpan.FromSeconds(19), FaultKind.SiloStop, 1, TimeSpan.FromSeconds(2)),
        new(TimeSpan.FromSeconds(26), FaultKind.RedisStall, 0, TimeSpan.FromSeconds(4)),
        new(TimeSpan.FromSeconds(34), FaultKind.RedisKill, 0, TimeSpan.FromSeconds(1.5)),
    ];

    private static List<Fault> DrawMixed(ChaosOptions options)
    {
        var random = new Random(options.Seed);
        var faults = new List<Fault>();
        for (var at = TimeSpan.FromSeconds(3); at < options.Duration; at += options.Every * (0.4 + (1.2 * random.NextDouble())))
        {
            var kind = options.Only[random.Next(options.Only.Count)];
            var away = kind switch
            {
                FaultKind.RedisStall => 1 + (7 * random.NextDouble()),
                FaultKind.RedisKill => 0.2 + (4 * random.NextDouble()),
                _ => 0.2 + (10 * random.NextDouble()),
            };
            faults.Add(new Fault(at, kind, random.Next(1_000), options.Away ?? TimeSpan.FromSeconds(away)));
        }

        return faults;
    }

    private static List<Fault> DrawEvery(ChaosOptions options, FaultKind kind, TimeSpan interval)
    {
        var random = new Random(options.Seed);
        var faults = new List<Fault>();
        for (var at = TimeSpan.FromSeconds(5); at < options.Duration; at += interval)
            faults.Add(new Fault(at, kind, 0, TimeSpan.FromSeconds(0.2 + (3 * random.NextDouble()))));
        return faults;
    }
}
