using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using StackExchange.Redis;

namespace OrleansChat.Tests.Support;

/// <summary>
/// A <c>redis-server</c> of a test's own: on a free port of 127.0.0.1, in a temporary directory, with nothing kept on disk unless its options say so.
/// Ends no process but its own, and ends that also when the test run is killed.
/// </summary>
public sealed class RedisServer : IAsyncDisposable
{
    private readonly string[] _options;
    private Process? _process;
    private Process? _watch;

    private RedisServer(string[] options) => _options = options;

    /// <summary>The port, also after a restart.</summary>
    public int Port { get; private set; }

    /// <summary>What a client connects to: "127.0.0.1:port".</summary>
    public string EndPoint => $"127.0.0.1:{Port}";

    /// <summary>Where it keeps what its options make it keep, also after a restart.</summary>
    public string DataDirectory { get; } = Directory.CreateTempSubdirectory("chat-redis-").FullName;

    /// <summary>Starts a server and waits until it takes connections.</summary>
    /// <param name="options">More of the command line: <c>"--appendonly", "yes", "--appendfsync", "always"</c>; <c>"--replicaof", "127.0.0.1 6379"</c>.</param>
    /// <exception cref="InvalidOperationException">There is no redis-server, or it does not start; the message holds what it said.</exception>
    public static async Task<RedisServer> StartAsync(params string[] options)
    {
        for (var attempt = 1; ; attempt++)
        {
            var server = new RedisServer(options) { Port = FreePort() };
            try
            {
                await server.StartAgainAsync();
                return server;
            }
            catch (InvalidOperationException) when (attempt < 3)
            {
                await server.DisposeAsync(); // Somebody may have taken the port meanwhile.
            }
        }
    }

    /// <summary>Starts it again after <see cref="StopAsync"/> or <see cref="KillAsync"/>: same port, same directory, same options.</summary>
    public async Task StartAgainAsync()
    {
        string[] always =
        [
            "--port", Port.ToString(CultureInfo.InvariantCulture), "--bind", "127.0.0.1", "--dir", DataDirectory, "--daemonize", "no",
            "--save", "", "--maxmemory-policy", "noeviction", "--enable-debug-command", "yes", "--repl-diskless-sync-delay", "0",
        ];
        var process = new Process { StartInfo = new ProcessStartInfo("redis-server", [.. always, .. _options]) { RedirectStandardOutput = true, UseShellExecute = false } };
        var ready = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var said = new List<string>();
        process.OutputDataReceived += (_, line) =>
        {
            lock (said) said.Add(line.Data ?? "");
            if (line.Data is null)
                ready.TrySetException(new InvalidOperationException("redis-server ended at its start:\n" + Said()));
            else if (line.Data.Contains("Ready to accept connections", StringComparison.Ordinal))
                ready.TrySetResult();
        };
        try
        {
            process.Start();
        }
        catch (Win32Exception exception)
        {
            throw new InvalidOperationException("These tests need 'redis-server' on the path: install the package redis-server.", exception);
        }
        process.BeginOutputReadLine();
        _process = process;
        // Ends the server when our end of the pipe goes, however that happens.
        _watch = Process.Start(new ProcessStartInfo("sh", ["-c", $"cat >/dev/null; kill -9 {process.Id}"]) { RedirectStandardInput = true, UseShellExecute = false })!;
        await ready.Task.Soon("redis-server takes connections");

        string Said()
        {
            lock (said) return string.Join('\n', said);
        }
    }

    /// <summary>Ends it as an operator would (SIGTERM): it syncs its append-only file first.</summary>
    public Task StopAsync() => EndAsync("-TERM");

    /// <summary>Ends it as a crash would (SIGKILL).</summary>
    public Task KillAsync() => EndAsync("-KILL");

    /// <summary>Stops it in its tracks (SIGSTOP): connections stay open and nothing answers.</summary>
    public Task PauseAsync() => SignalAsync("-STOP");

    /// <summary>Lets it go on after <see cref="PauseAsync"/>.</summary>
    public Task ResumeAsync() => SignalAsync("-CONT");

    /// <summary>A connection of the caller's own: fails at once while the server is away, and comes back by itself.</summary>
    /// <param name="port">Another way in than <see cref="Port"/>: a proxy's.</param>
    public async Task<IConnectionMultiplexer> ConnectAsync(int? port = null)
    {
        var options = new ConfigurationOptions
        {
            EndPoints = { { "127.0.0.1", port ?? Port } },
            AbortOnConnectFail = false,
            AllowAdmin = true,
            BacklogPolicy = BacklogPolicy.FailFast,
        };
        return await ConnectionMultiplexer.ConnectAsync(options).Soon("a client connects to redis-server");
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        Directory.Delete(DataDirectory, recursive: true);
    }

    private async Task EndAsync(string signal)
    {
        if (_process is not { } process)
            return;
        _process = null;
        // The watch first: it must not outlive the process whose id it knows.
        _watch!.Kill();
        await _watch.WaitForExitAsync().Soon("the watch of redis-server ends");
        _watch.Dispose();
        if (!process.HasExited)
            await SignalAsync(process, signal);
        await process.WaitForExitAsync().Soon("redis-server ends");
        process.Dispose();
    }

    private Task SignalAsync(string signal) => SignalAsync(_process ?? throw new InvalidOperationException("redis-server does not run."), signal);

    private static async Task SignalAsync(Process process, string signal)
    {
        using var kill = Process.Start("kill", [signal, process.Id.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync().Soon($"kill {signal} ends");
    }

    /// <summary>A port of 127.0.0.1 that nobody listens on.</summary>
    public static int FreePort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }
}
