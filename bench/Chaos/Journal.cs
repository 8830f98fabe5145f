using System.Collections.Concurrent;

namespace OrleansChat.Chaos;

/// <summary>What all clients together sent and had acknowledged, and what went wrong as it happened.</summary>
internal sealed class Journal(Clock clock)
{
    private readonly ConcurrentDictionary<Said, Ack> _acks = new();
    private readonly ConcurrentDictionary<Said, bool> _sent = new();
    private readonly ConcurrentDictionary<string, List<TimeSpan>> _accepted = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<Violation> _violations = new();
    private readonly ConcurrentDictionary<string, int> _counts = new(StringComparer.Ordinal);

    public IReadOnlyDictionary<Said, Ack> Acks => _acks;

    /// <summary>What was sent, and whether its client waits for each ack before the next message to that room.</summary>
    public IReadOnlyDictionary<Said, bool> Sent => _sent;

    public IReadOnlyCollection<Violation> Violations => _violations;

    /// <summary>What is worth knowing and no violation: how often.</summary>
    public IReadOnlyDictionary<string, int> Counts => _counts;

    public void Violate(ViolationKind kind, string room, string text) => _violations.Enqueue(new Violation(kind, room, text));

    public void Count(string what) => _counts.AddOrUpdate(what, 1, (_, count) => count + 1);

    public void OnSent(Said said, bool inOrder) => _sent.TryAdd(said, inOrder);

    public void OnAck(Said said, Ack ack)
    {
        if (!_acks.TryAdd(said, ack))
        {
            var first = _acks[said];
            if (first != ack)
                Violate(ViolationKind.AcksDiffer, said.RoomName, $"id {said} was acknowledged to {said.UserId} as {first}, then as {ack}");
            return;
        }

        var times = _accepted.GetOrAdd(said.RoomName, _ => []);
        lock (times)
            times.Add(clock.Now);
    }

    /// <summary>The longest time within a span in which a room accepted nothing.</summary>
    public TimeSpan LongestPause(string room, TimeSpan from, TimeSpan to)
    {
        var times = _accepted.GetOrAdd(room, _ => []);
        lock (times)
        {
            var (last, longest) = (from, TimeSpan.Zero);
            foreach (var at in times.Where(at => at >= from && at <= to).Append(to))
            {
                longest = at - last > longest ? at - last : longest;
                last = at;
            }

            return longest;
        }
    }
}

/// <summary>What an ack says of a message.</summary>
internal readonly record struct Ack(long Seq, long Timestamp)
{
    public override string ToString() => FormattableString.Invariant($"seq {Seq} (time {Timestamp})");
}
