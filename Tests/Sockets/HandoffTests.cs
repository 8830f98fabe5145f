using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using OrleansChat.Tests.Support;
using OrleansChat.WebFront.Sockets;

namespace OrleansChat.Tests.Sockets;

/// <summary>A connection that outlives its HTTP request, without a server.</summary>
public sealed class HandoffTests : IConnectionHeartbeatFeature, IAsyncDisposable
{
    private readonly DefaultConnectionContext _connection = new();
    private Action _beat = () => { };

    public HandoffTests() => _connection.Features.Set<IConnectionHeartbeatFeature>(this);

    [Fact]
    public async Task What_was_left_begins_when_HTTP_has_ended_and_the_connection_ends_with_it()
    {
        var (http, next, begun) = (new TaskCompletionSource(), new TaskCompletionSource(), false);
        var run = Handoff.Around(async connection =>
        {
            Of(connection).Continue(() =>
            {
                begun = true;
                return next.Task;
            });
            await http.Task;
        })(_connection);
        Assert.False(begun);

        http.SetResult();
        Assert.True(begun);
        Assert.False(run.IsCompleted);

        next.SetResult();
        await run.Soon("the connection ends");
    }

    [Fact]
    public async Task What_was_left_runs_also_where_HTTP_fails_or_else_nobody_would_end_it()
    {
        var begun = false;
        var run = Handoff.Around(connection =>
        {
            Of(connection).Continue(() =>
            {
                begun = true;
                return Task.CompletedTask;
            });
            return Task.FromException(new IOException());
        })(_connection);

        await Assert.ThrowsAsync<IOException>(() => run);
        Assert.True(begun);
    }

    [Fact]
    public async Task A_connection_that_nobody_takes_ends_with_HTTP() =>
        await Handoff.Around(_ => Task.CompletedTask)(_connection).Soon("the connection ends");

    /// <summary>A timeout of HTTP's begins when its request ends: it would tear the connection down minutes later.</summary>
    [Fact]
    public async Task HTTP_hears_the_clock_until_it_has_ended_and_not_after()
    {
        var (next, beats) = (new TaskCompletionSource(), 0);
        var run = Handoff.Around(connection =>
        {
            connection.Features.Get<IConnectionHeartbeatFeature>()!.OnHeartbeat(_ => beats++, this);
            _beat();
            Of(connection).Continue(() => next.Task);
            return Task.CompletedTask;
        })(_connection);
        Assert.Equal(1, beats);

        _beat();

        Assert.Equal(1, beats);
        next.SetResult();
        await run.Soon("the connection ends");
    }

    public ValueTask DisposeAsync() => _connection.DisposeAsync();

    void IConnectionHeartbeatFeature.OnHeartbeat(Action<object> action, object state) => _beat = () => action(state);

    private static Handoff Of(ConnectionContext connection) => connection.Features.Get<Handoff>()!;
}
