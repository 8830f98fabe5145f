using OrleansChat.Streaming;
using StackExchange.Redis;

namespace OrleansChat.Grains.Logs;

/// <summary>Runs scripts that count only when so many replicas of Redis have their writes (<c>Chat:AckReplicas</c>).</summary>
/// <remarks>
/// <para>WAIT speaks of the writes of the connection it is sent on, and holds that connection up. So scripts that need it have a connection
/// of their own, and go out in groups: whatever gathered while the last group waited, then one WAIT for all of them.</para>
/// <para>The driver reconnects by itself, and a WAIT sent on a new connection may succeed at once: that connection has written nothing, or the
/// Redis at its end is one that was started after the appends, and has replicas that never had them either. So each group
/// begins by giving its connection a name nobody else has and ends by asking for it: the name that comes back says that all between went
/// through the one connection, in order. For the same reason scripts go as text, never as a digest that might have to be sent again after
/// the WAIT, and are not redirected to another node.</para>
/// </remarks>
internal sealed class RedisReplicas : IAsyncDisposable
{
    /// <summary>Scripts that may wait for the group under way; one more fails at once.</summary>
    public const int QueueLength = 65_536;

    private readonly Func<Task<IConnectionMultiplexer>> _connect;
    private readonly int _replicas;
    private readonly TimeSpan _within;
    private readonly Batcher<Write> _writes;
    private IConnectionMultiplexer? _connection;

    /// <summary>Connects at the first script, and again at the next one where that failed.</summary>
    /// <param name="connect">Opens a connection to the same Redis that nobody else uses; disposed with this object. Its <c>AsyncTimeout</c> must be longer than <paramref name="within"/>.</param>
    /// <param name="replicas">How many replicas must have a write, at least 1.</param>
    /// <param name="within">How long one group waits for them; shorter than the store's deadline.</param>
    public RedisReplicas(Func<Task<IConnectionMultiplexer>> connect, int replicas, TimeSpan within)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(replicas, 1);
        (_connect, _replicas, _within) = (connect, replicas, within);
        _writes = new Batcher<Write>(QueueLength, SendAsync);
    }

    /// <summary>Runs a script and waits until the replicas have what it wrote.</summary>
    /// <returns>What the script gave.</returns>
    /// <exception cref="RedisException">Too few replicas in time, a lost connection, too many waiting: whether the script's writes last is unknown.</exception>
    /// <exception cref="OperationCanceledException">The deadline passed; the same.</exception>
    public async Task<RedisResult> RunAsync(string script, RedisKey[] keys, RedisValue[] values, CancellationToken cancellation)
    {
        var write = new Write(script, keys, values);
        using var deadline = cancellation.UnsafeRegister(static (done, token) => ((Write)done!).Done.TrySetCanceled(token), write);
        if (!_writes.TryPost(write))
            throw new RedisException($"{QueueLength} appends wait for the replicas of Redis already, or the store is closed.");
        return await write.Done.Task;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _writes.CompleteAsync();
        if (_connection is not null)
            await _connection.DisposeAsync();
    }

    private async Task SendAsync(IReadOnlyList<Write> gathered)
    {
        var waiting = gathered.Where(write => !write.Done.Task.IsCompleted).ToList();
        try
        {
            var connection = _connection ??= await _connect();
            foreach (var group in waiting.GroupBy(write => connection.GetServer(write.Keys[0], flags: CommandFlags.DemandMaster).EndPoint))
                await SendAsync(connection.GetServer(group.Key), [.. group]);
        }
        catch (Exception exception)
        {
            waiting.ForEach(write => write.Done.TrySetException(exception));
        }
    }

    private async Task SendAsync(IServer server, Write[] writes)
    {
        var name = $"appends-{Guid.NewGuid():N}";
        var named = server.ExecuteAsync("CLIENT", "SETNAME", name);
        var ran = Array.ConvertAll(writes, write => server.ExecuteAsync("EVAL", write.Arguments, CommandFlags.NoRedirect));
        var waited = server.ExecuteAsync("WAIT", _replicas, (long)_within.TotalMilliseconds);
        var asked = server.ExecuteAsync("CLIENT", "GETNAME");

        await Task.WhenAll(named, waited, asked);
        if (!string.Equals((string?)await asked, name, StringComparison.Ordinal))
            throw new RedisException("The connection changed before the replicas confirmed the appends.");
        if ((int)await waited is var confirmed && confirmed < _replicas)
            throw new RedisException($"Only {confirmed} of {_replicas} replicas (Chat:AckReplicas) confirmed the appends within {_within}.");
        for (var i = 0; i < writes.Length; i++)
            await HandOverAsync(ran[i], writes[i]);
    }

    // A script's own failure is its caller's alone.
    private static async Task HandOverAsync(Task<RedisResult> ran, Write write)
    {
        try
        {
            write.Done.TrySetResult(await ran);
        }
        catch (Exception exception)
        {
            write.Done.TrySetException(exception);
        }
    }

    private sealed record Write(string Script, RedisKey[] Keys, RedisValue[] Values)
    {
        public TaskCompletionSource<RedisResult> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public object[] Arguments => [Script, Keys.Length, .. Keys, .. Values];
    }
}
