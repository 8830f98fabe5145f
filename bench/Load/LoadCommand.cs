using System.CommandLine;
using System.CommandLine.Parsing;
using OrleansChat.Bench.Load.Dialects;

namespace OrleansChat.Bench.Load;

/// <summary>The command line.</summary>
internal sealed class LoadCommand
{
    private readonly Option<string[]> _urls = new("--url")
    {
        Description = "Where the server listens; several for several servers. Without a path, the dialect's own is taken.",
        DefaultValueFactory = _ => ["ws://127.0.0.1:8080"],
        Recursive = true,
    };

    private readonly Option<string> _dialect = new("--dialect") { Description = "What the server speaks.", DefaultValueFactory = _ => "orleanschat", Recursive = true };

    private readonly Option<string> _signingKey = new("--signing-key")
    {
        Description = "The server's Auth:SigningKey; default: the environment's Auth__SigningKey.",
        DefaultValueFactory = _ => Environment.GetEnvironmentVariable("Auth__SigningKey") ?? "",
        Recursive = true,
    };

    private readonly Option<int[]> _pids = new("--pid") { Description = "A server's process, whose CPU and memory are reported; several for several.", Recursive = true };
    private readonly Option<bool> _json = new("--json") { Description = "Writes the report to standard output as JSON.", Recursive = true };
    private readonly Option<bool> _remote = new("--allow-remote") { Description = "Lets the load go to another machine.", Recursive = true };
    private readonly Option<int> _parallel = Number("--parallel", "Clients that connect at a time.", 64, 1, 10_000);
    private readonly Option<int> _text = Number("--text-bytes", "Length of a message's text.", 100, Marker.Length, 60_000);
    private readonly Option<double> _warmup = Seconds("--warmup", "Seconds before anything is counted.", 3);
    private readonly Option<double> _seconds = Seconds("--seconds", "Seconds that are measured, or, when idle, held.", 10);
    private readonly Option<int> _rooms = Number("--rooms", "Rooms.", 1, 1, 1_000_000);
    private readonly Option<int> _members = Number("--members", "Clients in each room.", 100, 1, 1_000_000);
    private readonly Option<int> _publishers = Number("--publishers", "Clients of each room that publish.", 4, 1, 1_000_000);
    private readonly Option<int> _window = Number("--window", "Messages that a publisher has under way.", 1, 1, 10_000);
    private readonly Option<double> _rate = new("--rate") { Description = "Messages a second over all publishers, in an open loop: instead of --window." };
    private readonly Option<int> _clients = Number("--members", "Clients in each room.", 32, 2, 10_000);
    private readonly Option<int> _connections = Number("--connections", "Clients in all.", 1_000, 1, 1_000_000);
    private readonly Option<int> _idleRooms = Number("--rooms", "Rooms that they are spread over.", 100, 1, 1_000_000);

    private LoadCommand()
    {
        _dialect.AcceptOnlyFromAmong([.. Dialect.Names]);
        _rate.Validators.Add(Range("--rate", 0.01, 10_000_000));
    }

    /// <param name="run">Does what was asked for.</param>
    public static RootCommand Build(Func<LoadPlan, int> run)
    {
        var options = new LoadCommand();
        return new RootCommand("Loads chat servers, and checks order, loss and repeats of all that they deliver.")
        {
            options._urls, options._dialect, options._signingKey, options._pids, options._json, options._remote, options._parallel, options._text, options._warmup, options._seconds,
            options.Fanout(run),
            options.Lockstep(run),
            options.Idle(run),
        };
    }

    private Command Fanout(Func<LoadPlan, int> run)
    {
        var command = new Command("fanout", "Publishers send to rooms: each with so many messages under way, or so many a second.") { _rooms, _members, _publishers, _window, _rate };
        command.Validators.Add(result =>
        {
            if (result.GetResult(_rate) is { Implicit: false } && result.GetResult(_window) is { Implicit: false })
                result.AddError("--rate (an open loop) and --window (a closed one) exclude each other.");
        });
        command.SetAction(parsed =>
        {
            // Not a validator's business: it would not see the default of an option that was not given.
            var (members, publishers, rate) = (parsed.GetValue(_members), parsed.GetValue(_publishers), parsed.GetValue(_rate));
            if (publishers > members)
                throw new LoadException($"--publishers must be --members ({members}) at most.");
            return run(Plan(parsed, WorkloadKind.Fanout, parsed.GetValue(_rooms), members, publishers) with { Rate = rate, Window = rate > 0 ? 0 : parsed.GetValue(_window) });
        });
        return command;
    }

    private Command Lockstep(Func<LoadPlan, int> run)
    {
        var command = new Command("lockstep", "Everybody sends the next message on having everybody's last.") { _rooms, _clients };
        command.SetAction(parsed => run(Plan(parsed, WorkloadKind.Lockstep, parsed.GetValue(_rooms), parsed.GetValue(_clients), parsed.GetValue(_clients))));
        return command;
    }

    private Command Idle(Func<LoadPlan, int> run)
    {
        var command = new Command("idle", "Clients connect, join and are silent.") { _connections, _idleRooms };
        command.SetAction(parsed =>
        {
            var (connections, rooms) = (parsed.GetValue(_connections), parsed.GetValue(_idleRooms));
            return run(Plan(parsed, WorkloadKind.Idle, rooms, (connections + rooms - 1) / rooms, publishers: 0) with { Connections = connections });
        });
        return command;
    }

    private LoadPlan Plan(ParseResult parsed, WorkloadKind workload, int rooms, int members, int publishers)
    {
        var dialect = Dialect.Named(parsed.GetValue(_dialect)!);
        var signingKey = parsed.GetValue(_signingKey)!;
        if (dialect.NeedsToken && signingKey.Length == 0)
            throw new LoadException("--signing-key is missing: without the server's Auth:SigningKey there are no tokens.");
        return new LoadPlan
        {
            Workload = workload,
            Servers = [.. parsed.GetValue(_urls)!.Select(url => ServerAddress.Parse(url, dialect.Path, parsed.GetValue(_remote)))],
            Dialect = parsed.GetValue(_dialect)!,
            Rooms = rooms,
            Members = members,
            Publishers = publishers,
            TextBytes = parsed.GetValue(_text),
            Parallel = parsed.GetValue(_parallel),
            Warmup = TimeSpan.FromSeconds(parsed.GetValue(_warmup)),
            Duration = TimeSpan.FromSeconds(parsed.GetValue(_seconds)),
            SigningKey = signingKey,
            Pids = parsed.GetValue(_pids) ?? [],
            Json = parsed.GetValue(_json),
            Connections = checked(rooms * members),
        };
    }

    private static Option<int> Number(string name, string description, int value, int least, int most)
    {
        var option = new Option<int>(name) { Description = description, DefaultValueFactory = _ => value, Recursive = true };
        option.Validators.Add(Range(name, least, most));
        return option;
    }

    private static Option<double> Seconds(string name, string description, double value)
    {
        var option = new Option<double>(name) { Description = description, DefaultValueFactory = _ => value, Recursive = true };
        option.Validators.Add(Range(name, 0, 4_000)); // the marker's µs begin again after 71 minutes
        return option;
    }

    private static Action<OptionResult> Range(string name, double least, double most) => result =>
    {
        if (result.Tokens.Count > 0 && double.TryParse(result.Tokens[0].Value, System.Globalization.CultureInfo.InvariantCulture, out var value) && (value < least || value > most))
            result.AddError($"{name} must be {least} to {most}.");
    };
}
