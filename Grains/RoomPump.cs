using System.Runtime.InteropServices;
using OrleansChat.Grains.Interfaces;
using OrleansChat.Grains.Logs;
using OrleansChat.Streaming;

namespace OrleansChat.Grains;

/// <summary>
/// The one writer of a room's log. All that is published while an append is under way goes into the next one: check ids → append → answer → stream.
/// After a failure nobody knows what was stored: all that waits fails as <c>unavailable</c>, and the log is read anew before it goes on.
/// </summary>
internal sealed class RoomPump
{
    /// <summary>Grain calls that may wait, each a front's batch. More are answered <c>unavailable</c>.</summary>
    private const int Capacity = 4_096;

    /// <summary>Messages in one append: keeps a script call, and whoever waits behind it, short.</summary>
    private const int MaxAppend = 1_000;

    /// <summary>Another writer may come in between more than once, while two activations of a room overlap.</summary>
    private const int MaxAttempts = 5;

    private readonly RoomLog _log;
    private readonly Action<string, List<LogEntry>> _stream;
    private readonly Action<Exception> _failed;
    private readonly TimeProvider _time;
    private readonly Batcher<PendingPublish> _batcher;
    private (string Epoch, long Seq) _streamed = ("", 0);
    private int _failures;

    /// <param name="log">The room's log; its <see cref="RoomLog.Opened"/> has to call <see cref="CatchUpAsync"/>.</param>
    /// <param name="stream">Gets an epoch and entries of it that are in the log, each entry once and in order.</param>
    /// <param name="failed">Gets what went wrong, before those that wait are refused.</param>
    /// <param name="time">The clock.</param>
    public RoomPump(RoomLog log, Action<string, List<LogEntry>> stream, Action<Exception> failed, TimeProvider time)
    {
        (_log, _stream, _failed, _time) = (log, stream, failed, time);
        _batcher = new Batcher<PendingPublish>(Capacity, DrainAsync);
    }

    /// <summary>Whether an append failed since someone last looked.</summary>
    public bool HasFailed { get; set; }

    public void Post(PendingPublish pending)
    {
        pending.Failures = _failures;
        if (!_batcher.TryPost(pending))
            pending.Refuse(ChatError.Unavailable);
    }

    /// <summary>The log was opened anew: what it holds above the last entry streamed is streamed, and its ids are remembered.</summary>
    public async Task CatchUpAsync()
    {
        var (epoch, head) = (_log.Header.Epoch, _log.Header.Head);
        if (_streamed.Epoch != epoch)
            _streamed = (epoch, head);
        while (_streamed.Seq < _log.Header.Head && await _log.ReadAsync(_streamed.Seq + 1, 1_000) is { Count: > 0 } missed)
        {
            _log.Remember(missed);
            Stream(epoch, missed);
        }
    }

    /// <summary>Takes no more; finishes what waits, 3 s at most.</summary>
    public async Task StopAsync(CancellationToken cancellation) =>
        await _batcher.CompleteAsync().WaitAsync(Deadlines.Store, _time, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);

    private async Task DrainAsync(IReadOnlyList<PendingPublish> pending)
    {
        try
        {
            var slots = new List<Slot>();
            foreach (var publish in pending)
            {
                if (publish.Failures == _failures)
                    publish.CollectOpen(slots);
            }

            await StoreAsync(slots);
        }
        catch (Exception e)
        {
            _failures++;
            HasFailed = true;
            _log.Suspect();
            _failed(e);
        }
        finally
        {
            foreach (var publish in pending)
                publish.Refuse(ChatError.Unavailable);
        }
    }

    private async Task StoreAsync(List<Slot> slots)
    {
        for (var attempt = 1; slots.Count > 0; attempt++)
        {
            if (attempt > MaxAttempts)
                throw new InvalidOperationException($"The log was not to be had {MaxAttempts} times in a row: another activation keeps writing.");
            if (!await _log.EnsureOpenAsync(create: false))
            {
                slots.ForEach(slot => slot.Answer(PublishAnswer.Refused(ChatError.NotFound)));
                return;
            }

            if (!_log.Window.IsLoaded && slots.Exists(slot => slot.Request.Id is not null))
            {
                // Much may have happened to the log while its tail was read: it is asked again whether it is open.
                await _log.LoadWindowAsync();
                continue;
            }

            var epoch = _log.Header.Epoch;
            var round = Draft(slots, epoch);
            if (round.Drafts.Count > 0)
            {
                if (await _log.AppendAsync(round.Drafts) is not { } entries)
                    continue;
                for (var i = 0; i < entries.Count; i++)
                    round.Slots[i].Answer(new PublishAnswer(null, epoch, entries[i].Entry.Seq, entries[i].Entry.Timestamp, Duplicate: false));
                Stream(epoch, entries);
            }

            attempt = 0;
            slots.RemoveAll(slot => slot.IsAnswered);
        }

        await _log.TrimAsync();
    }

    private void Stream(string epoch, List<LogEntry> entries)
    {
        if (_streamed.Epoch == epoch && entries[^1].Entry.Seq <= _streamed.Seq)
            return; // Whoever opened the log right after the append was first.
        _stream(epoch, entries);
        _streamed = (epoch, entries[^1].Entry.Seq);
    }

    /// <summary>Answers what was stored before, and drafts the rest. A repeat within one batch waits for the first one's append.</summary>
    private (List<Draft> Drafts, List<Slot> Slots) Draft(List<Slot> slots, string epoch)
    {
        var count = Math.Min(slots.Count, MaxAppend);
        var (drafts, drafted, ids) = (new List<Draft>(count), new List<Slot>(count), new HashSet<UInt128>());
        foreach (var slot in CollectionsMarshal.AsSpan(slots)[..count])
        {
            var request = slot.Request;
            if (request.Id is null)
            {
                drafts.Add(new Draft(request.UserId, request.Username, request.Text, 0, 0));
                drafted.Add(slot);
                continue;
            }

            var (idHash, textHash) = (EntryHash.OfId(epoch, request.UserId, request.Id), EntryHash.OfText(epoch, request.Text));
            if (_log.Window.TryGet(idHash, out var known))
            {
                slot.Answer(known.TextHash == textHash
                    ? new PublishAnswer(null, epoch, known.Seq, known.Timestamp, Duplicate: true)
                    : PublishAnswer.Refused(ChatError.IdConflict));
            }
            else if (ids.Add(idHash))
            {
                drafts.Add(new Draft(request.UserId, request.Username, request.Text, idHash, textHash));
                drafted.Add(slot);
            }
        }

        return (drafts, drafted);
    }
}

/// <summary>A front's batch on its way through the pump: requests, and the answers gathered so far.</summary>
internal sealed class PendingPublish(PublishRequest[] requests)
{
    private readonly TaskCompletionSource<PublishAnswer[]> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly PublishAnswer[] _answers = new PublishAnswer[requests.Length];
    private readonly bool[] _answered = new bool[requests.Length];
    private int _open = requests.Length;

    /// <summary>The pump's count of failures when this came in.</summary>
    public int Failures { get; set; }

    /// <summary>Ends when every request has its answer.</summary>
    public Task<PublishAnswer[]> Answers => _completion.Task;

    public PublishRequest this[int index] => requests[index];

    public bool IsAnswered(int index) => _answered[index];

    public void Answer(int index, PublishAnswer answer)
    {
        if (_answered[index])
            return;
        (_answers[index], _answered[index]) = (answer, true);
        if (--_open == 0)
            _completion.TrySetResult(_answers);
    }

    /// <summary>Refuses whatever has no answer yet.</summary>
    public void Refuse(ChatError error)
    {
        for (var i = 0; i < requests.Length; i++)
            Answer(i, PublishAnswer.Refused(error));
    }

    public void CollectOpen(List<Slot> slots)
    {
        for (var i = 0; i < requests.Length; i++)
        {
            if (!_answered[i])
                slots.Add(new Slot(this, i));
        }
    }
}

/// <summary>One request's place in its batch.</summary>
internal readonly record struct Slot(PendingPublish Batch, int Index)
{
    public PublishRequest Request => Batch[Index];

    public bool IsAnswered => Batch.IsAnswered(Index);

    public void Answer(PublishAnswer answer) => Batch.Answer(Index, answer);
}
