using System.Runtime.InteropServices;
using OrleansChat.Grains.Interfaces;
using OrleansChat.Grains.Logs;

namespace OrleansChat.Grains;

/// <summary>
/// One activation's view of its room's log: where it stands, what it has lately seen, what may go. The store keeps the truth: whatever fails or is
/// refused makes this view suspect, and <see cref="EnsureOpenAsync"/> reads the header anew before anything else is done.
/// </summary>
internal sealed class RoomLog(ILogStore store, string room, GrainOptions options, TimeProvider time)
{
    /// <summary>A store that keeps falling back while others write to it is not to be reasoned with.</summary>
    private const int MaxResets = 5;

    private readonly LogRetention _retention = new(store, room, options, time);
    private readonly SharedDeadline _appendDeadline = new(Deadlines.Store, time);
    private LogHeader? _header;
    private bool _suspect = true;
    private Task<LogHeader?>? _opening;
    private bool _isWriting;
    private TaskCompletionSource? _written;

    /// <summary>The ids of the last messages.</summary>
    public IdempotencyWindow Window { get; } = new();

    /// <summary>The header; before <see cref="EnsureOpenAsync"/> said yes there is none.</summary>
    public LogHeader Header => _header ?? throw new InvalidOperationException("The log is not open.");

    /// <summary>Called after the header was read anew, before anyone goes on. When it throws, the log stays suspect.</summary>
    public Func<Task>? Opened { get; set; }

    /// <summary>Reads the header where it is not known for sure. Waits for an append under way, as no append begins before it has ended.</summary>
    /// <returns>False: nobody ever joined the room, and it was not to be created.</returns>
    public async ValueTask<bool> EnsureOpenAsync(bool create)
    {
        while (true)
        {
            // Joins, reads and the pump may all come here at once: they share one call.
            if (_opening is { IsCompleted: false } opening)
            {
                if (await opening is not null)
                    return true;
                if (!create)
                    return false;
            }
            else if (!_suspect)
            {
                return true;
            }
            else if (_isWriting)
            {
                await (_written ??= new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
            }
            else
            {
                return await (_opening = OpenAsync(create)) is not null;
            }
        }
    }

    /// <summary>What the store holds may differ from what is known here.</summary>
    public void Suspect() => _suspect = true;

    /// <summary>
    /// Begins to append messages as one batch. <see cref="TryEndAppend"/> has to follow when the store has answered, or <see cref="FailAppend"/>: no task around the
    /// store's, for each costs every message.
    /// </summary>
    /// <returns>Null: the log is being opened, and nothing was begun.</returns>
    public Append? BeginAppend(List<Draft> drafts)
    {
        if (_opening is { IsCompleted: false })
            return null;
        var header = Header;
        var seq = header.Head;
        var now = Math.Max(time.GetUtcNow().ToUnixTimeMilliseconds(), header.LastTimestamp);
        var entries = new List<LogEntry>(drafts.Count);
        foreach (var draft in drafts)
            entries.Add(new LogEntry(new Entry(++seq, draft.UserId, draft.Username, draft.Text, now), draft.IdHash, draft.TextHash));

        var batch = EntryCodec.Encode(CollectionsMarshal.AsSpan(entries));
        _isWriting = true;
        return new Append(entries, batch, store.AppendAsync(room, new LogPosition(header.Epoch, header.Head), batch, _appendDeadline.Begin()));
    }

    /// <summary>The store has answered.</summary>
    /// <returns>False: another writer was here. Nothing was written, and the log has to be opened again.</returns>
    public bool TryEndAppend(Append append, bool stored)
    {
        _appendDeadline.End();
        EndWrite();
        if (!stored)
        {
            _suspect = true;
            return false;
        }

        var (batch, first) = (append.Batch, append.Entries[0].Entry.Seq);
        _header = Header with { Head = batch.Last, LastTimestamp = batch.Timestamp, Bytes = Header.Bytes + batch.Payload.Length };
        _retention.Add(new LogMark(first, batch.Last, batch.Timestamp, batch.Payload.Length));
        Remember(append.Entries);
        return true;
    }

    /// <summary>What the store holds is not known, whatever was under way.</summary>
    public void FailAppend()
    {
        _suspect = true;
        if (!_isWriting)
            return;
        _appendDeadline.End();
        EndWrite();
    }

    /// <summary>Reads entries from <paramref name="from"/> on, at most <paramref name="limit"/>.</summary>
    public async Task<List<LogEntry>> ReadAsync(long from, long limit)
    {
        var header = Header;
        from = Math.Max(from, header.First);
        var to = Math.Min(header.Head, from + limit - 1);
        var entries = new List<LogEntry>();
        if (from > to)
            return entries;
        using var deadline = Deadline();
        foreach (var batch in await store.ReadAsync(room, from, to, deadline.Token))
        {
            foreach (var entry in EntryCodec.Decode(batch))
            {
                if (entry.Entry.Seq >= from && entry.Entry.Seq <= to)
                    entries.Add(entry);
            }
        }

        // What the header promises is not there: the log was lost or trimmed by another activation.
        if (entries.Count != to - from + 1)
            _suspect = true;
        return entries;
    }

    /// <summary>Completes the window of an activation that never looked: reads the log's tail.</summary>
    public async Task LoadWindowAsync()
    {
        const int page = 1_000;
        var header = Header;
        var pages = new Stack<List<LogEntry>>();
        var since = (time.GetUtcNow() - IdempotencyWindow.MinAge).ToUnixTimeMilliseconds();
        for (var from = header.Head; from >= header.First;)
        {
            var first = Math.Max(header.First, from - page + 1);
            pages.Push(await ReadAsync(first, from - first + 1));
            from = first - 1;
            if (pages.Peek() is not [var oldest, ..] || oldest.Entry.Timestamp < since)
                break;
        }

        if (Header.Epoch != header.Epoch)
            return; // What was read belongs to a log that is gone.
        while (pages.TryPop(out var entries))
            Remember(entries);
        Window.IsLoaded = true;
    }

    /// <summary>Adds stored messages to the window, ascending.</summary>
    public void Remember(List<LogEntry> stored)
    {
        foreach (var entry in stored)
            Window.Add(entry, Header.First);
    }

    /// <summary>Drops what exceeds length and age, or the bytes. Batches go whole, so a little more than asked for may stay.</summary>
    public async Task TrimAsync()
    {
        if (_opening is { IsCompleted: false })
            return;
        _isWriting = true;
        try
        {
            await TrimBatchesAsync();
        }
        finally
        {
            EndWrite();
        }
    }

    /// <summary>Begins a new epoch, because someone alive saw more than the log holds.</summary>
    /// <returns>False: the log stands elsewhere by now.</returns>
    public Task<bool> ResetAsync()
    {
        _suspect = true;
        return ResetAsync(Header);
    }

    /// <summary>Notes that a front holds the room.</summary>
    /// <returns>False: the log has another epoch by now.</returns>
    public Task<bool> AddFrontAsync(string front) => ChangeFrontsAsync(store.AddFrontAsync, front, fronts => [.. fronts.Where(f => f != front), front]);

    /// <summary>Forgets a front.</summary>
    public Task<bool> RemoveFrontAsync(string front) => ChangeFrontsAsync(store.RemoveFrontAsync, front, fronts => [.. fronts.Where(f => f != front)]);

    private async Task<bool> ChangeFrontsAsync(
        Func<string, string, string, CancellationToken, Task<bool>> write, string front, Func<IReadOnlyList<string>, string[]> change)
    {
        using var deadline = Deadline();
        var epoch = Header.Epoch;
        var done = await write(room, epoch, front, deadline.Token) && Header.Epoch == epoch;
        if (done)
            _header = Header with { Fronts = change(Header.Fronts) };
        else
            _suspect = true;
        return done;
    }

    private async Task TrimBatchesAsync()
    {
        if (_suspect || !_retention.IsDue(Header))
            return;
        do
        {
            var header = Header;
            using var deadline = Deadline();
            var (first, bytes) = await _retention.ChooseAsync(header, deadline.Token);
            if (first == header.First)
                return;
            if (!await store.TrimAsync(room, header, first, bytes, deadline.Token))
            {
                _suspect = true;
                return;
            }

            _header = Header with { First = first, Bytes = Header.Bytes - bytes };
            _retention.OnTrimmed(first);
        }
        while (!_suspect && _retention.IsTooBig(Header)); // Whatever else may go goes after the next append.
    }

    private async Task<LogHeader?> OpenAsync(bool create)
    {
        _suspect = false; // A doubt that comes up from here on is not settled by what is read now.
        try
        {
            var known = _header;
            // A room that once was is there: nothing at all in the store means that its log was lost, and a new epoch begins.
            var header = await ReadHeaderAsync(create || known is not null);
            for (var resets = 0; known is not null && header!.Epoch == known.Epoch && header.Head < known.Head; resets++)
            {
                // What this activation acknowledged is gone: the store fell back to an older state.
                if (resets == MaxResets)
                    throw new InvalidOperationException($"The log fell back, and others keep writing to what is left of it: {MaxResets} resets were refused.");
                await ResetAsync(header);
                header = await ReadHeaderAsync(create: true);
            }

            _suspect |= header is null;
            if (header is null)
                return null;
            if (known is not null && known.Epoch != header.Epoch)
                Window.Clear();
            _header = header;
            _retention.Reset();
            if (Opened is { } opened)
                await opened();
            return _header;
        }
        catch
        {
            _suspect = true;
            throw;
        }
    }

    private async Task<LogHeader?> ReadHeaderAsync(bool create)
    {
        using var deadline = Deadline();
        return await store.OpenAsync(room, create, deadline.Token);
    }

    private async Task<bool> ResetAsync(LogHeader header)
    {
        using var deadline = Deadline();
        return await store.ResetAsync(room, new LogPosition(header.Epoch, header.Head), deadline.Token);
    }

    private void EndWrite()
    {
        _isWriting = false;
        _written?.SetResult();
        _written = null;
    }

    private CancellationTokenSource Deadline() => new(Deadlines.Store, time);
}
