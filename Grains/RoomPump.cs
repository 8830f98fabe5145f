using System.Runtime.InteropServices;
using OrleansChat.Grains.Interfaces;
using OrleansChat.Grains.Logs;

namespace OrleansChat.Grains;

/// <summary>
/// The one writer of a room's log. All that is published while an append is under way goes into the next one: check ids → append → answer → stream.
/// After a failure nobody knows what was stored: all that waits fails as <c>unavailable</c>, and the log is read anew before it goes on.
/// </summary>
internal sealed class RoomPump
{
    /// <summary>Batches that may wait, each a front's. More are answered <c>unavailable</c>.</summary>
    private const int Capacity = 4_096;

    /// <summary>Messages in one append: keeps a script call, and whoever waits behind it, short.</summary>
    private const int MaxAppend = 1_000;

    /// <summary>Another writer may come in between more than once, while two activations of a room overlap.</summary>
    private const int MaxAttempts = 5;

    /// <summary>Places a list keeps: what a burst made it grow to goes.</summary>
    private const int PlacesKept = 64;

    private readonly RoomLog _log;
    private readonly Action<string, List<LogEntry>> _stream;
    private readonly Action<Exception> _failed;
    private readonly int _messageChars;
    private readonly TimeProvider _time;
    private readonly List<Slot> _open = [];
    private readonly List<Draft> _drafts = [];
    private readonly List<Slot> _drafted = [];
    private List<PendingPublish> _waiting = [];
    private List<PendingPublish> _taken = [];
    private Task _draining = Task.CompletedTask;
    private bool _isDraining;
    private bool _isStopped;
    private (string Epoch, long Seq) _streamed = ("", 0);
    private int _failures;

    /// <param name="log">The room's log; its <see cref="RoomLog.Opened"/> has to call <see cref="CatchUpAsync"/>.</param>
    /// <param name="stream">Gets an epoch and entries of it that are in the log, each entry once and in order.</param>
    /// <param name="failed">Gets what went wrong, before those that wait are refused.</param>
    /// <param name="messageChars">What is longer is refused.</param>
    /// <param name="time">The clock.</param>
    public RoomPump(RoomLog log, Action<string, List<LogEntry>> stream, Action<Exception> failed, int messageChars, TimeProvider time) =>
        (_log, _stream, _failed, _messageChars, _time) = (log, stream, failed, messageChars, time);

    /// <summary>Whether an append failed since someone last looked.</summary>
    public bool HasFailed { get; set; }

    /// <summary>Takes a batch. Where nothing is under way it is drafted at once, in the caller's turn.</summary>
    public void Post(PendingPublish pending)
    {
        pending.RefuseInvalid(_messageChars);
        if (_isStopped || _waiting.Count == Capacity)
        {
            pending.Refuse(ChatError.Unavailable);
            return;
        }

        pending.Failures = _failures;
        _waiting.Add(pending);
        if (_isDraining)
            return;
        _isDraining = true;
        // What the poster's context holds (Orleans' request context, an activity) must not stick to the batches of others.
        if (ExecutionContext.IsFlowSuppressed())
        {
            _draining = DrainAsync();
        }
        else
        {
            using (ExecutionContext.SuppressFlow())
                _draining = DrainAsync();
        }
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
    public async Task StopAsync(CancellationToken cancellation)
    {
        _isStopped = true;
        await _draining.WaitAsync(Deadlines.Store, _time, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
    }

    /// <summary>One method, and not three that wait for each other: in a grain each <c>await</c> goes on as a task of the grain's scheduler.</summary>
    private async Task DrainAsync()
    {
        while (_waiting.Count > 0)
        {
            (_waiting, _taken) = (_taken, _waiting);
            try
            {
                CollectOpen();
                for (var attempt = 1; _open.Count > 0; attempt++)
                {
                    if (attempt > MaxAttempts)
                        throw new InvalidOperationException($"The log was not to be had {MaxAttempts} times in a row: another activation keeps writing.");
                    if (!await _log.EnsureOpenAsync(create: false))
                    {
                        _open.ForEach(slot => slot.Answer(PublishAnswer.Refused(ChatError.NotFound)));
                        break;
                    }

                    if (!_log.Window.IsLoaded && _open.Exists(slot => slot.Request.Id is not null))
                    {
                        // Much may have happened to the log while its tail was read: it is asked again whether it is open.
                        await _log.LoadWindowAsync();
                        continue;
                    }

                    var epoch = _log.Header.Epoch;
                    Draft(epoch);
                    if (_drafts.Count > 0)
                    {
                        if (_log.BeginAppend(_drafts) is not { } append || !_log.TryEndAppend(append, await append.Stored))
                            continue;
                        for (var i = 0; i < _drafted.Count; i++)
                            _drafted[i].Answer(new PublishAnswer(null, epoch, append.Entries[i].Entry.Seq, append.Entries[i].Entry.Timestamp, Duplicate: false));
                        Stream(epoch, append.Entries);
                    }

                    attempt = 0;
                    _open.RemoveAll(slot => slot.IsAnswered);
                }

                await _log.TrimAsync();
            }
            catch (Exception e)
            {
                OnFailed(e);
            }

            _taken.ForEach(publish => publish.Refuse(ChatError.Unavailable));
            _taken.Clear();
            _open.Clear();
            _drafts.Clear();
            _drafted.Clear();
        }

        Shrink(_waiting);
        Shrink(_taken);
        Shrink(_open);
        Shrink(_drafts);
        Shrink(_drafted);
        _isDraining = false;
    }

    private void OnFailed(Exception cause)
    {
        _failures++;
        HasFailed = true;
        _log.FailAppend();
        try
        {
            _failed(cause);
        }
        catch
        {
            // Whoever reports badly must not stop the drain.
        }
    }

    private static void Shrink<T>(List<T> empty)
    {
        if (empty.Capacity > PlacesKept)
            empty.Capacity = 0;
    }

    /// <summary>What has no answer yet, but for what came before the last failure.</summary>
    private void CollectOpen()
    {
        foreach (var publish in _taken)
        {
            if (publish.Failures == _failures)
                publish.CollectOpen(_open);
        }
    }

    private void Stream(string epoch, List<LogEntry> entries)
    {
        if (_streamed.Epoch == epoch && entries[^1].Entry.Seq <= _streamed.Seq)
            return; // Whoever opened the log right after the append was first.
        _stream(epoch, entries);
        _streamed = (epoch, entries[^1].Entry.Seq);
    }

    /// <summary>Answers what was stored before, and drafts the rest. A repeat within one batch waits for the first one's append.</summary>
    private void Draft(string epoch)
    {
        _drafts.Clear();
        _drafted.Clear();
        var count = Math.Min(_open.Count, MaxAppend);
        var ids = count > 1 ? new HashSet<UInt128>(count) : null;
        foreach (var slot in CollectionsMarshal.AsSpan(_open)[..count])
        {
            if (slot.IsAnswered)
                continue; // In an attempt whose append was refused: the sender has heard it, whatever the log holds by now.
            var request = slot.Request;
            if (request.Id is null)
            {
                _drafts.Add(new Draft(request.UserId, request.Username, request.Text, 0, 0));
                _drafted.Add(slot);
                continue;
            }

            var idHash = EntryHash.OfId(epoch, request.UserId, request.Id);
            if (_log.Window.TryGet(idHash, out var known))
            {
                slot.Answer(EntryHash.IsOfText(known.TextHash, epoch, request.Text)
                    ? new PublishAnswer(null, epoch, known.Seq, known.Timestamp, Duplicate: true)
                    : PublishAnswer.Refused(ChatError.IdConflict));
            }
            else if (ids?.Add(idHash) != false)
            {
                _drafts.Add(new Draft(request.UserId, request.Username, request.Text, idHash, EntryHash.OfText(request.Text)));
                _drafted.Add(slot);
            }
        }
    }
}
