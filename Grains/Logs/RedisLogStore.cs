using System.Globalization;
using StackExchange.Redis;

namespace OrleansChat.Grains.Logs;

/// <summary>Room logs in Redis 7 or later: per room a hash (the header) and a stream (the batches), changed by scripts. The script is the fence.</summary>
/// <remarks>
/// Failures of Redis and of the connection surface as <see cref="RedisException"/>. At its deadline a call ends with
/// <see cref="OperationCanceledException"/>; what was sent by then may still be done.
/// </remarks>
/// <param name="redis">Stays the caller's to dispose.</param>
/// <param name="serviceId"><c>Orleans:ServiceId</c>, the first part of every key; without braces.</param>
/// <param name="replicas">Where an append counts only when replicas have it (<c>Chat:AckReplicas</c> above 0); null where Redis itself is enough. Stays the caller's to dispose.</param>
internal sealed class RedisLogStore(IConnectionMultiplexer redis, string serviceId, RedisReplicas? replicas = null) : ILogStore
{
    private const string FrontPrefix = "f:";
    private const string TimeField = "t";
    private const string PayloadField = "p";

    private readonly RedisLogKeys _keys = new(serviceId);
    private readonly IDatabase _database = redis.GetDatabase();

    public async Task<LogHeader?> OpenAsync(string room, bool create, CancellationToken cancellation)
    {
        // What a header shows is answered from: where appends wait for replicas, so must the sight of one whose answer was lost.
        var settle = replicas is not null;
        var fields = (RedisValue[])(await WriteAsync(RedisLogScripts.Open, room, cancellation, create, LogEpoch.New(), settle))!;
        return fields.Length == 0 ? null : Header(fields);
    }

    public async Task<bool> AppendAsync(string room, LogPosition expected, LogBatch batch, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(batch.Last, expected.Head, nameof(batch));
        return (bool)await WriteAsync(
            RedisLogScripts.Append, room, cancellation, expected.Epoch, expected.Head, batch.Last, batch.Timestamp, batch.Payload);
    }

    public async Task<IReadOnlyList<LogBatch>> ReadAsync(string room, long from, long to, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        from = Math.Max(from, 0);
        if (from > to)
            return [];
        // One round trip. The last batch of the range may end after it: that is the next entry of the stream, and at most that one.
        var entries = _keys.Entries(room);
        var within = _database.StreamRangeAsync(entries, from, to, flags: CommandFlags.DemandMaster);
        var next = _database.StreamRangeAsync(entries, $"({to}", "+", 1, flags: CommandFlags.DemandMaster);
        var first = _database.HashGetAsync(_keys.Header(room), "first", CommandFlags.DemandMaster);
        await Task.WhenAll(within, next, first).WaitAsync(cancellation);

        var batches = (await within).Select(Batch).ToList();
        var endsBefore = batches.Count == 0 || batches[^1].Last < to;
        var isLeft = await first is { HasValue: true } oldest && (long)oldest <= to;
        if (endsBefore && isLeft && await next is [var straddling])
            batches.Add(Batch(straddling));
        return batches;
    }

    public async Task<bool> TrimAsync(string room, LogHeader expected, long first, long bytes, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(first, expected.First);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(first, expected.Head + 1);
        return (bool)await RunAsync(RedisLogScripts.Trim, room, cancellation, expected.Epoch, expected.First, first, -bytes);
    }

    public async Task<bool> ResetAsync(string room, LogPosition expected, CancellationToken cancellation) =>
        (bool)await RunAsync(RedisLogScripts.Reset, room, cancellation, expected.Epoch, expected.Head, LogEpoch.New());

    public async Task<bool> AddFrontAsync(string room, string epoch, string front, CancellationToken cancellation) =>
        (bool)await RunAsync(RedisLogScripts.AddFront, room, cancellation, epoch, FrontPrefix + front);

    public async Task<bool> RemoveFrontAsync(string room, string epoch, string front, CancellationToken cancellation) =>
        (bool)await RunAsync(RedisLogScripts.RemoveFront, room, cancellation, epoch, FrontPrefix + front);

    /// <summary>Runs a script whose writes must be on the replicas before it counts.</summary>
    private Task<RedisResult> WriteAsync(string script, string room, CancellationToken cancellation, params RedisValue[] values) =>
        replicas is null
            ? RunAsync(script, room, cancellation, values)
            : replicas.RunAsync(script, [_keys.Header(room), _keys.Entries(room)], values, cancellation);

    // The driver sends a script's text once and its digest from then on, and the text again where Redis has forgotten it.
    private Task<RedisResult> RunAsync(string script, string room, CancellationToken cancellation, params RedisValue[] values)
    {
        cancellation.ThrowIfCancellationRequested();
        return _database
            .ScriptEvaluateAsync(script, [_keys.Header(room), _keys.Entries(room)], values, CommandFlags.DemandMaster)
            .WaitAsync(cancellation);
    }

    private static LogHeader Header(RedisValue[] fields)
    {
        var fronts = new List<string>();
        var (epoch, head, first, timestamp, bytes) = ("", 0L, 0L, 0L, 0L);
        for (var i = 0; i < fields.Length; i += 2)
        {
            switch ((string)fields[i]!)
            {
                case "epoch": epoch = (string)fields[i + 1]!; break;
                case "head": head = (long)fields[i + 1]; break;
                case "first": first = (long)fields[i + 1]; break;
                case "ts": timestamp = (long)fields[i + 1]; break;
                case "bytes": bytes = (long)fields[i + 1]; break;
                case var field when field.StartsWith(FrontPrefix, StringComparison.Ordinal): fronts.Add(field[FrontPrefix.Length..]); break;
            }
        }
        return new LogHeader(epoch, head, first, timestamp, bytes, fronts);
    }

    private static LogBatch Batch(StreamEntry entry)
    {
        var id = ((string)entry.Id!).AsSpan();
        var last = long.Parse(id[..id.IndexOf('-')], CultureInfo.InvariantCulture);
        return new LogBatch(last, (long)entry[TimeField], (byte[])entry[PayloadField]!);
    }
}
