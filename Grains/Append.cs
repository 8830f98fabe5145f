using OrleansChat.Grains.Logs;

namespace OrleansChat.Grains;

/// <summary>An append under way.</summary>
/// <param name="Entries">What becomes of the drafts.</param>
/// <param name="Batch">The same, as the store gets it.</param>
/// <param name="Stored">The store's answer; it may fail.</param>
internal readonly record struct Append(List<LogEntry> Entries, LogBatch Batch, Task<bool> Stored);

/// <summary>A message on its way into the log.</summary>
internal readonly record struct Draft(string UserId, string Username, string Text, UInt128 IdHash, UInt128 TextHash);
