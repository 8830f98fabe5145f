using System.Globalization;

namespace OrleansChat.Chaos;

/// <summary>What the command line asks for.</summary>
internal sealed record ChaosOptions
{
    public const string Usage = """
        Starts a cluster, breaks it by a seeded schedule while clients talk, and proves from what they saw and what the log holds that nothing was lost.

          --mode MODE       mixed (default): faults of all kinds · short: five of them, about a minute · rolling: everything restarted in turn by SIGTERM
                            · crash: kill -9 of everything at once · calm: no faults
          --seed N          what to break when; the same number, the same schedule (default: another one each time)
          --duration TIME   how long clients talk: 90s, 10m, 1h (default 2m; short has its own)
          --rooms N         (default 12)      --clients N   (default 6), each in every room
          --rate N          messages a second, all together (default 150)
          --silos N         (default 3)       --fronts N    (default 2)
          --only KINDS      in mixed mode, only these faults: silo-kill,silo-stop,front-kill,front-stop,silo-stall,front-stall,
                            redis-stall,redis-kill,clients-cut
          --every TIME      in mixed mode, the mean time from one fault to the next (default 10s)
          --away TIME       for how long each fault lasts (default: drawn, up to 10s)
          --break KINDS     inject faults of which the product is innocent, to see that they are found (exit code 1):
                            ack-before-append,skip-seq,duplicate,reorder,append-twice,diverge
          --silo PATH       OrleansChat.Silo.dll      --front PATH  OrleansChat.WebFront.dll (default: the Release build in this repository)
          --set KEY=VALUE   configuration for silos and fronts, as in Chat:LeaseRenewal=00:00:05; may be repeated
          --keep            keep the folder with the processes' logs also when nothing is wrong

        Exit code 0: proven. 1: violations. 2: it could not run.
        """;

    public string Mode { get; init; } = "mixed";

    public int Seed { get; init; } = Random.Shared.Next(1, 100_000);

    public TimeSpan Duration { get; init; } = TimeSpan.FromMinutes(2);

    public int Rooms { get; init; } = 12;

    public int Clients { get; init; } = 6;

    public double Rate { get; init; } = 150;

    public int Silos { get; init; } = 3;

    public int Fronts { get; init; } = 2;

    public IReadOnlyList<FaultKind> Only { get; init; } = Fault.Mixed;

    public TimeSpan Every { get; init; } = TimeSpan.FromSeconds(10);

    public TimeSpan? Away { get; init; }

    public IReadOnlyList<Break> Breaks { get; init; } = [];

    public string? SiloPath { get; init; }

    public string? FrontPath { get; init; }

    public IReadOnlyList<KeyValuePair<string, string>> Settings { get; init; } = [];

    public bool Keep { get; init; }

    /// <exception cref="ChaosException">An argument is not understood.</exception>
    public static ChaosOptions Parse(string[] args)
    {
        var options = new ChaosOptions();
        for (var i = 0; i < args.Length; i++)
        {
            if (args[i] == "--keep")
            {
                options = options with { Keep = true };
                continue;
            }

            if (i + 1 == args.Length)
                throw new ChaosException($"{args[i]} is not understood, or needs a value.");
            options = options.With(args[i], args[++i]);
        }

        return options;
    }

    private ChaosOptions With(string name, string value) => name switch
    {
        "--mode" when value is "mixed" or "short" or "rolling" or "crash" or "calm" => this with { Mode = value },
        "--seed" => this with { Seed = Number(name, value) },
        "--duration" => this with { Duration = Time(name, value) },
        "--rooms" => this with { Rooms = Number(name, value) },
        "--clients" => this with { Clients = Number(name, value) },
        "--rate" => this with { Rate = Number(name, value) },
        "--silos" => this with { Silos = Number(name, value) },
        "--fronts" => this with { Fronts = Number(name, value) },
        "--only" => this with { Only = Kinds<FaultKind>(name, value) },
        "--every" => this with { Every = Time(name, value) },
        "--away" => this with { Away = Time(name, value) },
        "--break" => this with { Breaks = Kinds<Break>(name, value) },
        "--silo" => this with { SiloPath = value },
        "--front" => this with { FrontPath = value },
        "--set" when value.Split('=', 2) is [var key, var setting] => this with { Settings = [.. Settings, new(key, setting)] },
        _ => throw new ChaosException($"{name} {value} is not understood."),
    };

    private static int Number(string name, string value) =>
        int.TryParse(value, CultureInfo.InvariantCulture, out var number) && number > 0 ? number : throw new ChaosException($"{name} needs a number above 0, not '{value}'.");

    private static TimeSpan Time(string name, string value)
    {
        var unit = value[^1] switch { 's' => 1, 'm' => 60, 'h' => 3600, _ => 0 };
        return unit > 0 && double.TryParse(value[..^1], CultureInfo.InvariantCulture, out var count) && count > 0
            ? TimeSpan.FromSeconds(count * unit)
            : throw new ChaosException($"{name} needs a time as in 90s, 10m or 1h, not '{value}'.");
    }

    private static T[] Kinds<T>(string name, string value)
        where T : struct, Enum =>
        [.. value.Split(',').Select(kind => Enum.TryParse<T>(kind.Replace("-", "", StringComparison.Ordinal), ignoreCase: true, out var parsed)
            ? parsed
            : throw new ChaosException($"{name} does not know '{kind}'."))];
}

/// <summary>Why it could not run, as a sentence for the person who started it.</summary>
internal sealed class ChaosException(string message) : Exception(message);
