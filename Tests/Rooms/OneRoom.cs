using Microsoft.Extensions.Time.Testing;
using OrleansChat.Grains;
using OrleansChat.Grains.Interfaces;
using OrleansChat.Grains.Logs;
using OrleansChat.Grains.Storage;
using OrleansChat.Tests.Support;

namespace OrleansChat.Tests.Rooms;

/// <summary>A room's log in a store that does what the test says, and activations that write to it turn by turn.</summary>
internal sealed class OneRoom : IDisposable
{
    private readonly LogsInMemory _logs;
    private readonly bool _ownsLogs;

    public OneRoom(GrainOptions? options = null, LogsInMemory? logs = null)
    {
        (_ownsLogs, _logs) = (logs is null, logs ?? new LogsInMemory());
        Store = new FaultyLogStore(_logs.Store);
        Options = options ?? new GrainOptions();
    }

    public string Name { get; } = $"room-{Guid.NewGuid():N}";

    public FaultyLogStore Store { get; }

    public Turns Turns { get; } = new();

    public GrainOptions Options { get; }

    public FakeTimeProvider Time { get; } = new(DateTimeOffset.FromUnixTimeMilliseconds(1_700_000_000_000));

    /// <summary>A new activation, its log open.</summary>
    public async Task<RoomActivation> ActivateAsync(TimeProvider? clock = null)
    {
        var activation = new RoomActivation(this, clock);
        Assert.True(await SettleAsync(activation.Open()));
        return activation;
    }

    /// <summary>Lets everything go on, the store answering every call as it should.</summary>
    public async Task SettleAsync()
    {
        Turns.Run();
        while (Store.UnderWay.FirstOrDefault(call => !call.IsAbandoned) is { } call)
        {
            await call.FinishAsync();
            Turns.Run();
        }
    }

    /// <summary>Lets everything go on, and gives what this then came to. Whatever never ends fails the test.</summary>
    public async Task<T> SettleAsync<T>(Task<T> answer)
    {
        await SettleAsync();
        while (!answer.IsCompleted)
        {
            // What other threads hand over (a wait with a time limit, say) comes a little later.
            await Task.WhenAny(answer, Turns.Due).Soon("the store answered everything, and who waits hears of it");
            await SettleAsync();
        }

        return await answer;
    }

    /// <summary>Lets everything go on until such a call is under way.</summary>
    public async Task<StoreCall> UntilAsync(string name)
    {
        Turns.Run();
        while (true)
        {
            var next = Store.UnderWay.FirstOrDefault(call => !call.IsAbandoned);
            Assert.True(next is not null, $"Everything came to rest without a call of '{name}'.");
            if (next.Name == name)
                return next;
            await next.FinishAsync();
            Turns.Run();
        }
    }

    /// <summary>What the log holds, whatever anyone believes.</summary>
    public async Task<List<LogEntry>> EntriesAsync() =>
        [.. (await _logs.Store.ReadAsync(Name, 1, long.MaxValue, CancellationToken.None)).SelectMany(EntryCodec.Decode)];

    /// <summary>The texts in the log.</summary>
    public async Task<string> TextsAsync() => string.Join(' ', (await EntriesAsync()).Select(entry => entry.Entry.Text));

    public async Task<LogHeader?> HeaderAsync() => await _logs.Store.OpenAsync(Name, create: false, CancellationToken.None);

    /// <summary>The store comes back with an older state.</summary>
    public async Task FallBackAsync(long head)
    {
        var kept = await _logs.Store.ReadAsync(Name, 1, head, CancellationToken.None);
        await LeaveJournalAsync();
        await _logs.File.WriteAsync(
            session =>
            {
                LogSegments.Drop(session, Name, long.MaxValue);
                for (var i = 0; i < kept.Count; i++)
                    LogSegments.Append(session, Name, [new PlacedBatch(i == 0 ? 0 : kept[i - 1].Last, kept[i])]);
                return session.Execute("UPDATE log SET head = ?2 WHERE room = ?1", Name, head);
            },
            CancellationToken.None);
    }

    /// <summary>The store comes back with nothing.</summary>
    public async Task LoseLogAsync()
    {
        await LeaveJournalAsync();
        await _logs.File.WriteAsync(
            session => LogSegments.Drop(session, Name, long.MaxValue) + session.Execute("DELETE FROM log WHERE room = ?1", Name), CancellationToken.None);
    }

    public void Dispose()
    {
        if (_ownsLogs)
            _logs.Dispose();
    }

    /// <summary>A reset that is refused moves the room out of the journal.</summary>
    private async Task LeaveJournalAsync() => Assert.False(await _logs.Store.ResetAsync(Name, new LogPosition("AAAAAAAAAAA", 0), CancellationToken.None));
}

/// <summary>A data file in memory and the logs in it.</summary>
internal sealed class LogsInMemory : IDisposable
{
    public LogsInMemory() => Store = new SqliteLogStore(File);

    public SqliteFile File { get; } = new(SqliteFile.InMemory);

    public SqliteLogStore Store { get; }

    public void Dispose() => File.Dispose();
}

/// <summary>What an activation of a room has to do with its log.</summary>
internal sealed class RoomActivation
{
    private readonly OneRoom _room;

    public RoomActivation(OneRoom room, TimeProvider? clock = null)
    {
        _room = room;
        Log = new RoomLog(room.Store, room.Name, room.Options, clock ?? room.Time) { Opened = OnOpenedAsync };
        Pump = new RoomPump(Log, Stream, OnFailed, room.Options.MessageChars, room.Time);
    }

    public RoomLog Log { get; }

    public RoomPump Pump { get; }

    /// <summary>The head when this activation first opened the log.</summary>
    public long? OpenedAt { get; private set; }

    public List<(string Epoch, Entry Entry)> Streamed { get; } = [];

    public string StreamedTexts => string.Join(' ', Streamed.Select(streamed => streamed.Entry.Text));

    public List<Exception> Failures { get; } = [];

    /// <summary>Thrown by whoever is told of a failure, or gets the stream.</summary>
    public Exception? Throws { get; set; }

    public Task<bool> Open(bool create = true) => _room.Turns.Begin(async () => await Log.EnsureOpenAsync(create));

    public Task<PublishAnswer[]> Publish(params PublishRequest[] requests) => _room.Turns.Begin(() =>
    {
        var pending = new PendingPublish(requests);
        Pump.Post(pending);
        return pending.Answers;
    });

    public Task<PublishAnswer[]> Publish(string text, string? id = null, string user = "alice") => Publish(Say(text, id, user));

    public Task<bool> Stop() => _room.Turns.Begin(async () =>
    {
        await Pump.StopAsync(CancellationToken.None);
        return true;
    });

    public static PublishRequest Say(string text, string? id = null, string user = "alice") => new(user, user.ToUpperInvariant(), text, id);

    private void Stream(string epoch, List<LogEntry> entries)
    {
        if (Throws is not null)
            throw Throws;
        Streamed.AddRange(entries.Select(entry => (epoch, entry.Entry)));
    }

    private void OnFailed(Exception failure)
    {
        Failures.Add(failure);
        if (Throws is not null)
            throw Throws;
    }

    private Task OnOpenedAsync()
    {
        OpenedAt ??= Log.Header.Head;
        return Pump.CatchUpAsync();
    }
}
