using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using OrleansChat.Tests.Support;

namespace OrleansChat.Tests.EndToEnd;

/// <summary>A WebSocket lets go of the HTTP request that it came with.</summary>
public sealed class HandoffTests
{
    private const string Join = """{"type":"join_room","id":"j","payload":{"room":"general"}}""";

    [Fact]
    public async Task The_request_is_over_while_the_connection_talks_on()
    {
        var requests = new Requests();
        await using var app = await ChatApp.StartAsync(builder => builder.Services.AddSingleton<IStartupFilter>(requests));
        await using var alice = await app.JoinAsync("alice", "general");

        await requests.Ended.Task.Soon("the request ends");

        await alice.SendAsync("""{"type":"ping","id":"after"}""");
        await alice.UntilAsync("""{"type":"pong","id":"after","timestamp":"*"}""");
    }

    /// <summary>A client need not wait for the 101 before it sends; what it sent may already lie in the HTTP parser's buffer.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(9)]
    public async Task What_is_sent_behind_the_request_is_not_lost_nor_what_is_cut_in_two(int cut)
    {
        await using var app = await ChatApp.StartAsync();
        await using var socket = await RawSocket.ConnectAsync(app.Address);
        byte[] frames = [.. RawSocket.Frame(RawSocket.Text, Join), .. RawSocket.Frame(RawSocket.Text, """{"type":"ping","id":"p"}""")];
        var at = frames.Length - cut;

        await socket.SendAsync([.. System.Text.Encoding.ASCII.GetBytes(RawSocket.Handshake(app.Address, "alice")), .. frames.AsSpan(0, at)]);
        Assert.StartsWith("HTTP/1.1 101 ", await socket.ReadHeadAsync(), StringComparison.Ordinal);
        Assert.Equal("connected", (await socket.NextAsync()).GetProperty("type").GetString());
        Assert.Equal("room_joined", (await socket.NextAsync()).GetProperty("type").GetString());
        await socket.SendAsync(frames[at..]);
        Assert.Equal("pong", (await socket.NextAsync()).GetProperty("type").GetString());
    }

    [Fact]
    public async Task A_connection_that_already_answered_other_requests_is_upgraded_all_the_same()
    {
        await using var app = await ChatApp.StartAsync();
        await using var socket = await RawSocket.ConnectAsync(app.Address);
        await socket.SendAsync($"HEAD /healthz/live HTTP/1.1\r\nHost: {app.Address.Authority}\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 ", await socket.ReadHeadAsync(), StringComparison.Ordinal);

        await socket.SendAsync(RawSocket.Handshake(app.Address, "alice"));
        Assert.StartsWith("HTTP/1.1 101 ", await socket.ReadHeadAsync(), StringComparison.Ordinal);
        await socket.UntilAsync("\"connected\"");
        await socket.SayAsync(Join);
        await socket.UntilAsync("\"room_joined\"");
    }

    /// <summary>Sees requests to <c>/ws</c> end.</summary>
    private sealed class Requests : IStartupFilter
    {
        public TaskCompletionSource Ended { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
        {
            app.Use(async (context, rest) =>
            {
                await rest(context);
                if (context.Request.Path == "/ws")
                    context.Response.OnCompleted(() =>
                    {
                        Ended.TrySetResult();
                        return Task.CompletedTask;
                    });
            });
            next(app);
        };
    }
}
