using OrleansChat.Grains.Logs;

namespace OrleansChat.Grains;

/// <summary>
/// When a room's log is trimmed, and how far: of what exceeds length and age, or the bytes. Remembers what this activation appended, batches together
/// as a mark, so that nothing has to be read for it.
/// </summary>
internal sealed class LogRetention(ILogStore store, string room, GrainOptions options, TimeProvider time)
{
    /// <summary>Bytes that one trim drops, about: more would keep the store from its appends for long.</summary>
    private const long MaxTrim = 4 * 1024 * 1024;

    /// <summary>Bytes that are read at once, if all are of the log's average size,</summary>
    private const long ReadBytes = 1024 * 1024;

    /// <summary>and messages at the most: the oldest may be larger than the average.</summary>
    private const long ReadMessages = 1_000;

    /// <summary>Above so many, batches are only told apart by their bytes.</summary>
    private const int MaxFineMarks = 4_096;

    private readonly Queue<LogMark> _marks = [];
    private LogMark? _newest;

    // Length and age have nothing to trim before the clock and the log's head are as far.
    private long _notBefore;
    private long _notBeforeHead;

    /// <summary>The header was read anew, and whatever became of the log, this activation did not see it.</summary>
    public void Reset()
    {
        _marks.Clear();
        (_newest, _notBefore, _notBeforeHead) = (null, 0, 0);
    }

    /// <summary>A batch was appended.</summary>
    public void Add(LogMark appended)
    {
        if (_newest is { } newest)
        {
            var goTogether = appended.Last - newest.First < options.RoomLogLength / 16 || _marks.Count >= MaxFineMarks;
            if (goTogether && newest.Bytes + appended.Bytes <= options.RoomLogBytes / 64)
                appended = appended with { First = newest.First, Bytes = newest.Bytes + appended.Bytes };
            else
                _marks.Enqueue(newest);
        }

        _newest = appended;
    }

    /// <summary>The log begins at <paramref name="first"/> now.</summary>
    public void OnTrimmed(long first)
    {
        while (_marks.TryPeek(out var oldest) && oldest.Last < first)
            _marks.Dequeue();
        if (_newest?.Last < first)
            _newest = null;
    }

    /// <summary>Whether there may be something to trim.</summary>
    public bool IsDue(LogHeader header)
    {
        if (IsTooBig(header))
            return true;
        // An eighth of slack, in length and in age, so that a full log is not trimmed at every append.
        var kept = header.Head - header.First + 1;
        return kept > options.RoomLogLength + (options.RoomLogLength / 8) && header.Head >= _notBeforeHead && Now > _notBefore;
    }

    /// <summary>Whether it must not wait for the next append.</summary>
    public bool IsTooBig(LogHeader header) => header.Bytes > options.RoomLogBytes && header.First < header.Head;

    /// <summary>How far to trim.</summary>
    /// <returns>The first seq that stays, and the bytes that go.</returns>
    public async ValueTask<(long First, long Bytes)> ChooseAsync(LogHeader header, CancellationToken cancellation) =>
        Choose(header, await OldestAsync(header, cancellation));

    /// <summary>Ascending. They cover the log from some seq on to its head.</summary>
    private IEnumerable<LogMark> Marks => _newest is { } newest ? _marks.Append(newest) : [];

    private long Now => time.GetUtcNow().ToUnixTimeMilliseconds();

    private (long First, long Bytes) Choose(LogHeader header, IEnumerable<LogMark> oldest)
    {
        // A log that is too big makes room for some appends at once.
        var most = IsTooBig(header) ? options.RoomLogBytes - (options.RoomLogBytes / 32) : header.Bytes;
        var (now, age) = (Now, (long)options.RoomLogAge.TotalMilliseconds);
        var (first, bytes) = (header.First, 0L);
        foreach (var mark in oldest)
        {
            var tooLong = header.Head - mark.Last >= options.RoomLogLength;
            var tooOld = mark.Timestamp + age < now;
            var tooBig = header.Bytes - bytes > most && mark.Last < header.Head;
            if (!tooLong)
                _notBeforeHead = mark.Last + options.RoomLogLength;
            else if (!tooOld)
                _notBefore = mark.Timestamp + age + (age / 8);
            if (!tooBig && !(tooLong && tooOld))
                break;
            (first, bytes) = (mark.Last + 1, bytes + mark.Bytes);
            if (bytes >= MaxTrim)
                break;
        }
        return (first, bytes);
    }

    /// <summary>The oldest batches. What another activation appended has to be read.</summary>
    private async Task<IEnumerable<LogMark>> OldestAsync(LogHeader header, CancellationToken cancellation)
    {
        var to = Marks.Select(mark => mark.First - 1).FirstOrDefault(header.Head);
        if (to < header.First)
            return Marks;
        var average = 1 + (header.Bytes / (header.Head - header.First + 1));
        var (marks, first) = (new List<LogMark>(), header.First);
        foreach (var batch in await store.ReadAsync(room, first, Math.Min(to, first + Math.Min(ReadBytes / average, ReadMessages)), cancellation))
        {
            marks.Add(new LogMark(first, batch.Last, batch.Timestamp, batch.Payload.Length));
            first = batch.Last + 1;
        }
        return marks;
    }
}

/// <summary>Batches that follow one another.</summary>
/// <param name="First">The first seq.</param>
/// <param name="Last">The last seq.</param>
/// <param name="Timestamp">Of the last, Unix milliseconds.</param>
/// <param name="Bytes">The sum of their payloads.</param>
internal readonly record struct LogMark(long First, long Last, long Timestamp, long Bytes);
