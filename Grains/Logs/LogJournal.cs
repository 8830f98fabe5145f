using OrleansChat.Grains.Storage;
using OrleansChat.Streaming;

namespace OrleansChat.Grains.Logs;

/// <summary>
/// Where batches are appended: to <see cref="RecordFiles"/>, with one call of the kernel. Who comes alone makes it; who comes before everything else that was ready then has had its turn waits for that, and all who
/// did share one record.
/// </summary>
/// <remarks>The records are what a crash leaves; the same batches stay in <see cref="LogTails"/> until they are moved, and are read from there.</remarks>
internal sealed class LogJournal : IThreadPoolWorkItem
{
    /// <summary>Appends that may wait. One more fails.</summary>
    private const int Capacity = 65_536;

    /// <summary>Appends in one record, at most; and payloads in bytes, from which on no other is taken.</summary>
    private const int RecordLength = 1_024;

    /// <inheritdoc cref="RecordLength"/>
    private const long RecordBytes = 1024 * 1024;

    private static readonly Task<bool> Yes = Task.FromResult(true);
    private static readonly Task<bool> No = Task.FromResult(false);

    private readonly SqliteFile _file;
    private readonly LogTails _tails;
    private readonly RecordFiles? _records;
    private readonly LogMover _mover;
    private readonly Lock _gate = new();
    private readonly Queue<PendingAppend> _waiting = new();
    private readonly List<PendingAppend> _taken = [];
    private readonly RecordBuffer _record = new();
    private bool _isWriting;
    private bool _isPosted;
    private bool _isOwed;

    /// <param name="file">It has the files beside it.</param>
    /// <param name="tails">Gets what was appended.</param>
    /// <param name="mover">Makes space.</param>
    public LogJournal(SqliteFile file, LogTails tails, LogMover mover) => (_file, _tails, _mover, _records) = (file, tails, mover, file.Records);

    private long Generation => _records?.Generation ?? 0;

    /// <inheritdoc cref="ILogStore.AppendAsync"/>
    public Task<bool> AppendAsync(JournalBatch batch, CancellationToken cancellation)
    {
        if (cancellation.IsCancellationRequested)
            return Task.FromCanceled<bool>(cancellation);
        lock (_gate)
        {
            if (_isWriting || _isPosted)
                return Wait(batch, cancellation);
            (_isWriting, _isPosted) = (true, true);
        }

        try
        {
            Lull.ForBatches.Post(this);
            return AppendAlone(batch, cancellation) switch
            {
                AppendOutcome.Appended => Yes,
                AppendOutcome.Refused => No,
                var outcome => AppendLaterAsync(outcome, batch, cancellation),
            };
        }
        catch (OperationCanceledException)
        {
            return Task.FromCanceled<bool>(cancellation);
        }
        catch (Exception e)
        {
            return Task.FromException<bool>(e);
        }
        finally
        {
            EndWriting();
        }
    }

    void IThreadPoolWorkItem.Execute()
    {
        bool isAny;
        lock (_gate)
        {
            if (_isWriting)
            {
                _isOwed = true; // The one that writes posts it.
                return;
            }

            for (var bytes = 0L; _taken.Count < RecordLength && bytes < RecordBytes && _waiting.TryDequeue(out var pending); bytes += pending.Batch.Placed.Batch.Payload.Length)
                _taken.Add(pending);
            isAny = _isPosted = _isWriting = _isOwed = _taken.Count > 0;
        }

        if (!isAny)
            return; // From here on the next one may be executed: nothing of it is looked at.
        AppendTogether();
        _taken.Clear();
        EndWriting();
    }

    private void EndWriting()
    {
        bool isOwed;
        lock (_gate)
            (isOwed, _isOwed, _isWriting) = (_isOwed, false, false);
        if (isOwed)
            Lull.ForBatches.Post(this);
        _mover.OnWritten();
    }

    private Task<bool> Wait(JournalBatch batch, CancellationToken cancellation)
    {
        if (_waiting.Count == Capacity)
            return Task.FromException<bool>(new IOException($"{Capacity} appends wait for the data file already; this one was not done."));
        var pending = new PendingAppend(batch, cancellation);
        _waiting.Enqueue(pending);
        return pending.Answer.Task;
    }

    private AppendOutcome AppendAlone(JournalBatch batch, CancellationToken cancellation)
    {
        var outcome = _tails.Begin(batch, out var tail);
        if (outcome != AppendOutcome.Appended)
            return outcome;
        var isWritten = false;
        try
        {
            cancellation.ThrowIfCancellationRequested(); // From here on whoever opens the log waits for this.
            isWritten = TryWrite(_record.Encode(batch));
        }
        finally
        {
            _tails.End(tail!, isWritten ? batch.Placed : null, Generation);
        }

        return isWritten ? AppendOutcome.Appended : AppendOutcome.Full;
    }

    private void AppendTogether()
    {
        var outcome = AppendOutcome.Full;
        Exception? failure = null;
        try
        {
            _record.Clear();
            foreach (var pending in _taken)
                Begin(pending);
            if (!_record.HasBatches || TryWrite(_record.Bytes))
                outcome = AppendOutcome.Appended;
        }
        catch (Exception e)
        {
            failure = e;
        }

        foreach (var pending in _taken)
        {
            if (pending.Tail is { } tail)
                _tails.End(tail, outcome == AppendOutcome.Appended ? pending.Batch.Placed : null, Generation);
        }

        foreach (var pending in _taken)
        {
            if (pending.IsAnswered)
                continue;
            if (failure is null)
                Answer(pending, outcome);
            else
                pending.Answer.Fail(failure);
        }
    }

    private void Begin(PendingAppend pending)
    {
        var outcome = _tails.Begin(pending.Batch, out var tail);
        if (outcome != AppendOutcome.Appended)
        {
            Answer(pending, outcome);
        }
        else if (pending.Cancellation.IsCancellationRequested)
        {
            pending.IsAnswered = true;
            _tails.End(tail!, null, 0);
        }
        else
        {
            pending.Tail = tail; // From here on whoever opens the log waits for this.
            _record.Add(pending.Batch);
        }
    }

    private void Answer(PendingAppend pending, AppendOutcome outcome)
    {
        pending.IsAnswered = true;
        if (outcome is AppendOutcome.Appended or AppendOutcome.Refused)
            pending.Answer.Succeed(outcome == AppendOutcome.Appended);
        else
            _ = pending.FollowAsync(AppendLaterAsync(outcome, pending.Batch, pending.Cancellation));
    }

    private async Task<bool> AppendLaterAsync(AppendOutcome outcome, JournalBatch batch, CancellationToken cancellation)
    {
        if (outcome == AppendOutcome.EndUnknown
            && !await _file.WriteAsync((tails: _tails, batch.Room), static (all, session) => all.tails.TryLearn(session, all.Room), cancellation))
            return false;
        if (outcome == AppendOutcome.Full && await _mover.FreeOtherAsync().WaitAsync(cancellation) is { } failure)
            throw new IOException($"The newest messages can not be moved into the data file, and there is no space for more: {failure.Message}", failure);
        return await AppendAsync(batch, cancellation);
    }

    private bool TryWrite(Span<byte> record)
    {
        if (_file.Failure is { } failure)
            throw failure;
        return _records?.TryWrite(record) ?? true;
    }
}
