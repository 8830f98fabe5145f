using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OrleansChat.Tests.Support;
using OrleansChat.WebFront.Sockets;

namespace OrleansChat.Tests.EndToEnd;

/// <summary>Kestrel on our sockets: what HTTP asks of a transport, and connections that Kestrel has forgotten.</summary>
public sealed class TransportTests
{
    [Fact]
    public async Task A_client_that_finishes_sending_gets_its_answer()
    {
        await using var app = await ChatApp.StartAsync();
        await using var socket = await RawSocket.ConnectAsync(app.Address);
        await socket.SendAsync($"GET /healthz/live HTTP/1.1\r\nHost: {app.Address.Authority}\r\n\r\n");
        socket.FinishSending();
        Assert.StartsWith("HTTP/1.1 200 ", await socket.ReadHeadAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Requests_that_lie_there_together_are_answered_one_after_the_other()
    {
        await using var app = await ChatApp.StartAsync();
        await using var socket = await RawSocket.ConnectAsync(app.Address);
        await socket.SendAsync(string.Concat(Enumerable.Repeat($"HEAD /healthz/live HTTP/1.1\r\nHost: {app.Address.Authority}\r\n\r\n", 3)));
        for (var i = 0; i < 3; i++)
            Assert.StartsWith("HTTP/1.1 ", await socket.ReadHeadAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_head_that_is_too_long_is_refused_and_the_client_hears_it_while_it_still_sends()
    {
        await using var app = await ChatApp.StartAsync();
        await using var socket = await RawSocket.ConnectAsync(app.Address);
        await socket.SendAsync($"GET / HTTP/1.1\r\nHost: {app.Address.Authority}\r\nX: {new string('x', 200_000)}");
        Assert.StartsWith("HTTP/1.1 431 ", await socket.ReadHeadAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_request_that_does_not_come_to_its_end_is_ended_by_Kestrels_clock()
    {
        await using var app = await ChatApp.StartAsync(builder => builder.WebHost.ConfigureKestrel(kestrel => kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(1)));
        await using var socket = await RawSocket.ConnectAsync(app.Address);
        await socket.SendAsync("GET / HTTP/1.1\r\nHost: ");
        Assert.StartsWith("HTTP/1.1 408 ", await socket.ReadHeadAsync(), StringComparison.Ordinal);
    }

    /// <summary>The order that goes wrong most easily: the drain has looked who is there, and then somebody comes whose request began before.</summary>
    [Fact]
    public async Task An_upgrade_that_is_under_way_at_SIGTERM_becomes_a_connection_and_the_process_waits_for_its_close()
    {
        var gate = new Gate();
        await using var app = await ChatApp.StartAsync(builder => builder.Services.AddSingleton<IStartupFilter>(gate));
        await using var socket = await RawSocket.ConnectAsync(app.Address);
        await socket.SendAsync(RawSocket.Handshake(app.Address, "alice"));
        await gate.Reached.Task.Soon("the upgrade is answered");

        var stopping = app.StopAsync();
        Assert.False(stopping.IsCompleted);
        Assert.True(app.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping.IsCancellationRequested);
        gate.Opened.SetResult();

        Assert.StartsWith("HTTP/1.1 101 ", await socket.ReadHeadAsync(), StringComparison.Ordinal);
        Assert.Equal("connected", (await socket.NextAsync()).GetProperty("type").GetString());
        var close = await socket.ClosedAsync();
        Assert.Equal(1001, close.CloseCode);
        Assert.Equal(1, app.Services.GetRequiredService<OpenConnections>().Count);
        Assert.False(stopping.IsCompleted);

        await socket.SendAsync(RawSocket.Frame(RawSocket.Close, [0x03, 0xE9]));
        await stopping.Soon("the process ends when the client has answered");
        Assert.Equal(0, app.Services.GetRequiredService<OpenConnections>().Count);
        Assert.DoesNotContain(app.Logs.Lines, line => line.Level >= LogLevel.Error);
    }

    [Fact]
    public async Task A_client_that_never_answers_its_close_is_torn_down_and_the_process_ends()
    {
        await using var app = await ChatApp.StartAsync(builder => builder.Services.PostConfigure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(1)));
        await using var socket = await RawSocket.UpgradeAsync(app.Address, "alice");
        await app.StopAsync();
        await socket.ClosedAsync();
        await socket.EndedAsync();
        Assert.Equal(0, app.Services.GetRequiredService<OpenConnections>().Count);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_client_that_goes_away_while_it_is_admitted_leaves_nothing_behind(bool reset)
    {
        var gate = new Gate();
        await using var app = await ChatApp.StartAsync(builder => builder.Services.AddSingleton<IStartupFilter>(gate));
        var socket = await RawSocket.ConnectAsync(app.Address);
        await socket.SendAsync(RawSocket.Handshake(app.Address, "alice"));
        await gate.Reached.Task.Soon("the upgrade is answered");
        if (reset)
            socket.Reset();
        await socket.DisposeAsync();
        gate.Opened.SetResult();

        var open = app.Services.GetRequiredService<OpenConnections>();
        await Within.Soon(() => open.Count == 0, "nothing is left of the connection");
        Assert.DoesNotContain(app.Logs.Lines, line => line.Level >= LogLevel.Error);
    }

    [Fact]
    public async Task A_unix_socket_is_Kestrels_own_and_talks_all_the_same()
    {
        var path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.sock");
        await using var app = await ChatApp.StartAsync(("urls", $"http://unix:{path}"));
        using var handler = new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancelled) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancelled);
                return new NetworkStream(socket, ownsSocket: true);
            },
        };
        using var over = new HttpMessageInvoker(handler);
        await using var alice = await ChatClient.ConnectAsync(new Uri("http://localhost"), Tokens.For("alice", TimeProvider.System.GetUtcNow().AddHours(1)), over: over);
        Assert.Equal("connected", (await alice.NextAsync()).GetProperty("type").GetString());
        await alice.JoinAsync("general");
        await app.StopAsync();
        await alice.UntilAsync("""{"type":"reconnect","after":"*","reason":"*"}""");
        Assert.Equal(1001, (await alice.ClosedAsync()).Code);
    }

    /// <summary>Holds the end of <c>/ws</c> back: the endpoint has answered, Kestrel has not let go yet.</summary>
    private sealed class Gate : IStartupFilter
    {
        public TaskCompletionSource Reached { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Opened { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
        {
            app.Use(async (context, rest) =>
            {
                await rest(context);
                if (context.Request.Path != "/ws")
                    return;
                Reached.TrySetResult();
                await Opened.Task;
            });
            next(app);
        };
    }
}
