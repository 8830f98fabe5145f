using OrleansChat.Grains.Interfaces;

namespace OrleansChat.Grains.Logs;

/// <summary>
/// Where rooms keep their logs: a header (epoch, head, …, the fronts that hold the room) and batches of entries. Two makes, Redis and SQLite,
/// which pass the same contract tests. A store knows bytes and seqs; what an entry is, is <see cref="EntryCodec"/>'s business.
/// </summary>
/// <remarks>
/// Every method may fail with an exception of its driver, or with <see cref="OperationCanceledException"/> when the caller's deadline passes.
/// After either the outcome of a write is unknown: the caller opens the log again and reads what became of it.
/// </remarks>
internal interface ILogStore
{
    /// <summary>Reads a room's header, creating what is missing.</summary>
    /// <param name="room">The room's name, as users spell it.</param>
    /// <param name="create">Whether a room that has no log gets one.</param>
    /// <param name="cancellation">The deadline.</param>
    /// <returns>
    /// The header; null when the room has no log and <paramref name="create"/> is false. A header whose entries are missing or end elsewhere,
    /// or entries without a header, mean that the log was lost: the old keys go and a new, empty epoch begins, whatever <paramref name="create"/> says.
    /// </returns>
    Task<LogHeader?> OpenAsync(string room, bool create, CancellationToken cancellation);

    /// <summary>Appends a whole batch or nothing, and only where the log's epoch and head are what the writer believes. Before anyone is told that it lasts, <see cref="IStoreSync"/> is waited for.</summary>
    /// <returns>False when the log refused: another writer was here, or the log was lost. Nothing was written.</returns>
    Task<bool> AppendAsync(string room, LogPosition expected, LogBatch batch, CancellationToken cancellation);

    /// <summary>Reads the batches that hold the seqs <paramref name="from"/> to <paramref name="to"/>, both inclusive, ascending.</summary>
    /// <returns>Whole batches: the first may begin before <paramref name="from"/>, the last may end after <paramref name="to"/>. Empty where nothing is left of that range.</returns>
    Task<IReadOnlyList<LogBatch>> ReadAsync(string room, long from, long to, CancellationToken cancellation);

    /// <summary>Drops the oldest batches, those that end before <paramref name="first"/>.</summary>
    /// <param name="room">The room's name.</param>
    /// <param name="expected">The header the caller decided on; where epoch or first differ by now, nothing is dropped.</param>
    /// <param name="first">The first seq of the first batch that stays.</param>
    /// <param name="bytes">The payload bytes that go, taken off the header's count.</param>
    /// <param name="cancellation">The deadline.</param>
    /// <returns>False when the header had changed.</returns>
    Task<bool> TrimAsync(string room, LogHeader expected, long first, long bytes, CancellationToken cancellation);

    /// <summary>Begins a new, empty epoch where the log still stands at <paramref name="expected"/>: someone alive saw more than it holds. The fronts stay.</summary>
    /// <returns>False when the log stands elsewhere by now.</returns>
    Task<bool> ResetAsync(string room, LogPosition expected, CancellationToken cancellation);

    /// <summary>Notes that a front holds the room, so that a room that moves to another silo goes on fanning out at once.</summary>
    /// <returns>False when the epoch is another by now.</returns>
    Task<bool> AddFrontAsync(string room, string epoch, string front, CancellationToken cancellation);

    /// <summary>Forgets a front.</summary>
    /// <returns>False when the epoch is another by now.</returns>
    Task<bool> RemoveFrontAsync(string room, string epoch, string front, CancellationToken cancellation);
}

/// <summary>A log's header.</summary>
/// <param name="Epoch">Opaque, up to 64 characters, see <see cref="LogEpoch"/>; another one means that seqs of before tell nothing.</param>
/// <param name="Head">The last entry's seq; 0 where there is none.</param>
/// <param name="First">The oldest seq still there; Head + 1 where there is none.</param>
/// <param name="LastTimestamp">The last entry's time, Unix milliseconds; 0 where there is none.</param>
/// <param name="Bytes">The sum of the payloads still there.</param>
/// <param name="Fronts">The ids of the fronts that hold the room.</param>
internal sealed record LogHeader(string Epoch, long Head, long First, long LastTimestamp, long Bytes, IReadOnlyList<string> Fronts);

/// <summary>What a writer believes to be the end of the log.</summary>
internal readonly record struct LogPosition(string Epoch, long Head);

/// <summary>Entries that were appended together.</summary>
/// <param name="Last">The seq of the last entry. On append it is above the expected head.</param>
/// <param name="Timestamp">The time of the last entry, Unix milliseconds.</param>
/// <param name="Payload">The entries, as <see cref="EntryCodec"/> wrote them.</param>
internal readonly record struct LogBatch(long Last, long Timestamp, ReadOnlyMemory<byte> Payload);
