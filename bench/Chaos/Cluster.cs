using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace OrleansChat.Chaos;

/// <summary>A real cluster on free ports of 127.0.0.1: Redis that syncs every write, silos and fronts, each a process.</summary>
internal sealed class Cluster
{
    private static readonly HttpClient Http = new() { Timeout = TimeSpan.FromSeconds(2) };

    private readonly ChaosOptions _options;
    private readonly string _folder;
    private readonly Token _token;
    private readonly HashSet<int> _taken = [];
    private readonly Random _random;
    private readonly int _redisPort;

    public Cluster(ChaosOptions options, string folder, Token token, Journal journal, Clock clock)
    {
        (_options, _folder, _token, _random) = (options, folder, token, new Random(options.Seed));
        _redisPort = FreePort();
        Redis = new Node("redis", folder, RedisCommand, AnswersPingAsync, journal, clock);
        Silos = [.. Enumerable.Range(1, options.Silos).Select(number => Silo(number, journal, clock))];
        FrontAddresses = [.. Enumerable.Range(1, options.Fronts).Select(_ => Address(FreePort()))];
        Fronts = [.. FrontAddresses.Select((address, i) =>
            new Node(FormattableString.Invariant($"front-{i + 1}"), folder, () => FrontCommand(address), () => IsReadyAsync(address), journal, clock))];
    }

    public Node Redis { get; }

    public IReadOnlyList<Node> Silos { get; }

    public IReadOnlyList<Node> Fronts { get; }

    public IReadOnlyList<Uri> FrontAddresses { get; }

    public IReadOnlyList<Node> All => [Redis, .. Silos, .. Fronts];

    /// <summary>Starts what does not run, in any order, all at once.</summary>
    public Task StartAsync(CancellationToken cancellation) =>
        Task.WhenAll(All.Where(node => !node.IsStarted).OrderBy(_ => _random.Next()).Select(node => node.StartAsync(cancellation)));

    public Task KillAsync() => Node.KillAsync(All);

    /// <summary>For a proxy.</summary>
    public Uri FreeAddress() => Address(FreePort());

    private Node Silo(int number, Journal journal, Clock clock)
    {
        var health = Address(FreePort());
        var (silo, gateway) = (FreePort(), FreePort());
        return new Node(FormattableString.Invariant($"silo-{number}"), _folder, Command, () => IsReadyAsync(health), journal, clock);

        NodeCommand Command()
        {
            // A silo comes back under its old address or, as in a cluster of containers, under another.
            if (_random.Next(2) == 0)
                (silo, gateway) = (FreePort(), FreePort());
            return DotnetCommand(
                Built(_options.SiloPath, "Silo"), health, ("Orleans:Endpoints:SiloPort", Text(silo)), ("Orleans:Endpoints:GatewayPort", Text(gateway)),
                ("Orleans:Endpoints:AdvertisedIPAddress", "127.0.0.1"), ("Chat:RoomLogLength", "10000000"), ("Chat:NewRoomsPerMinute", "0"));
        }
    }

    private NodeCommand FrontCommand(Uri address) => DotnetCommand(Built(_options.FrontPath, "WebFront"), address, ("Auth:SigningKey", _token.Key), ("Chat:MessagesPerSecond", "0"));

    private NodeCommand DotnetCommand(string assembly, Uri address, params (string Key, string Value)[] settings)
    {
        var environment = new Dictionary<string, string>(StringComparer.Ordinal) { ["DOTNET_ENVIRONMENT"] = "Production", ["ASPNETCORE_ENVIRONMENT"] = "Production" };
        var all = settings.Append(("ConnectionStrings:Redis", FormattableString.Invariant($"127.0.0.1:{_redisPort}"))).Concat(_options.Settings.Select(setting => (setting.Key, setting.Value)));
        foreach (var (key, value) in all)
            environment[key.Replace(":", "__", StringComparison.Ordinal)] = value;
        return new NodeCommand("dotnet", [assembly, "--urls", address.ToString()], environment);
    }

    private NodeCommand RedisCommand() => new(
        "redis-server",
        [
            "--port", Text(_redisPort), "--bind", "127.0.0.1", "--dir", _folder, "--daemonize", "no", "--save", "", "--maxmemory-policy", "noeviction",
            "--appendonly", "yes", "--appendfsync", "always",
        ],
        new Dictionary<string, string>(StringComparer.Ordinal));

    /// <summary>The Release build of this repository, seen from where the checker itself was built.</summary>
    private static string Built(string? given, string project)
    {
        var root = new DirectoryInfo(AppContext.BaseDirectory);
        while (root is not null && !File.Exists(Path.Combine(root.FullName, "OrleansChat.sln")))
            root = root.Parent;
        var path = given ?? Path.Combine(root?.FullName ?? ".", project, "bin", "Release", "net10.0", $"OrleansChat.{project}.dll");
        return File.Exists(path) ? Path.GetFullPath(path) : throw new ChaosException($"There is no {path}: run 'dotnet build -c Release', or say where it is with --silo and --front.");
    }

    private static async Task<bool> IsReadyAsync(Uri address)
    {
        try
        {
            using var answer = await Http.GetAsync(new Uri(address, "/healthz/ready"));
            return answer.IsSuccessStatusCode;
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
            return false;
        }
    }

    private async Task<bool> AnswersPingAsync()
    {
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, _redisPort);
            await client.GetStream().WriteAsync("PING\r\n"u8.ToArray());
            using var reader = new StreamReader(client.GetStream());
            return await reader.ReadLineAsync() == "+PONG";
        }
        catch (Exception e) when (e is SocketException or IOException)
        {
            return false;
        }
    }

    /// <summary>Below the range from which the system takes ports for outgoing connections, so that one that is away for a while is still free when it comes back.</summary>
    private int FreePort()
    {
        while (true)
        {
            var port = Random.Shared.Next(15_000, 30_000);
            if (!_taken.Add(port))
                continue;
            try
            {
                using var probe = new TcpListener(IPAddress.Loopback, port);
                probe.Start();
                return port;
            }
            catch (SocketException)
            {
                // Somebody else's.
            }
        }
    }

    private static Uri Address(int port) => new(FormattableString.Invariant($"http://127.0.0.1:{port}"));

    private static string Text(int port) => port.ToString(CultureInfo.InvariantCulture);
}
