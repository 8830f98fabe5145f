using OrleansChat.Grains.Logs;

namespace OrleansChat.Tests.Logs;

/// <summary>What a log store should do, said in the plainest way: the contract tests compare the real ones with it.</summary>
internal sealed class LogModel(string epoch)
{
    private readonly List<(long First, LogBatch Batch)> _batches = [];
    private readonly SortedSet<string> _fronts = new(StringComparer.Ordinal);
    private long _head;
    private long _first = 1;
    private long _timestamp;

    public LogHeader Header => new(epoch, _head, _first, _timestamp, _batches.Sum(batch => (long)batch.Batch.Payload.Length), [.. _fronts]);

    /// <summary>The seqs at which a trim may begin: where a batch begins, and after the last one.</summary>
    public IReadOnlyList<long> Borders => [.. _batches.Select(batch => batch.First), _head + 1];

    public bool Append(LogPosition expected, LogBatch batch)
    {
        if (!string.Equals(expected.Epoch, epoch, StringComparison.Ordinal) || expected.Head != _head)
            return false;
        _batches.Add((_head + 1, batch));
        (_head, _timestamp) = (batch.Last, batch.Timestamp);
        return true;
    }

    public IReadOnlyList<LogBatch> Read(long from, long to) =>
        [.. _batches.Where(batch => from <= to && batch.Batch.Last >= from && batch.First <= to).Select(batch => batch.Batch)];

    public long BytesBefore(long first) => _batches.Where(batch => batch.Batch.Last < first).Sum(batch => (long)batch.Batch.Payload.Length);

    public bool Trim(LogHeader expected, long first)
    {
        if (!string.Equals(expected.Epoch, epoch, StringComparison.Ordinal) || expected.First != _first)
            return false;
        _batches.RemoveAll(batch => batch.Batch.Last < first);
        _first = first;
        return true;
    }

    public void AddFront(string front) => _fronts.Add(front);

    public void RemoveFront(string front) => _fronts.Remove(front);
}
