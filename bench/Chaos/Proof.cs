namespace OrleansChat.Chaos;

/// <summary>Holds what clients saw and had acknowledged against what the log holds.</summary>
/// <param name="journal">What was sent and acknowledged; takes the violations.</param>
/// <param name="views">What every client saw of every room.</param>
/// <param name="logs">Every room's log, read when all was quiet.</param>
internal sealed class Proof(Journal journal, IReadOnlyList<RoomView> views, IReadOnlyDictionary<string, RoomLog> logs)
{
    /// <summary>Judges everything that was not judged when it happened.</summary>
    public void Run()
    {
        var acknowledged = journal.Acks.GroupBy(ack => ack.Key.RoomName, StringComparer.Ordinal).ToDictionary(acks => acks.Key, acks => acks.ToList(), StringComparer.Ordinal);
        foreach (var (room, log) in logs)
        {
            JudgeLog(room, log);
            var places = log.Entries.GroupBy(entry => entry.Said).ToDictionary(entries => entries.Key, entries => entries.Select(entry => entry.Seq).ToList());
            JudgeAcks(room, acknowledged.GetValueOrDefault(room, []), places);
            JudgeOrder(room, places);
            foreach (var view in views.Where(view => view.Room == room))
                JudgeView(view, log);
        }
    }

    private void JudgeLog(string room, RoomLog log)
    {
        for (var i = 0; i < log.Entries.Count; i++)
        {
            if (log.Entries[i].Seq != i + 1)
            {
                journal.Violate(ViolationKind.Gap, room, FormattableString.Invariant($"a reader of the log got seq {log.Entries[i].Seq} in the place of seq {i + 1}"));
                break;
            }
        }

        if (log.Entries.Count < log.Head)
            journal.Violate(ViolationKind.Behind, room, FormattableString.Invariant($"a reader of the log got {log.Entries.Count} of {log.Head} messages"));
        foreach (var (seq, said) in log.Entries.Where(entry => entry.Said != default && !journal.Sent.ContainsKey(entry.Said)))
            journal.Violate(ViolationKind.Unknown, room, FormattableString.Invariant($"the log holds id {said} at seq {seq}, which was not sent"));
    }

    private void JudgeAcks(string room, List<KeyValuePair<Said, Ack>> acks, Dictionary<Said, List<long>> places)
    {
        foreach (var (said, ack) in acks)
        {
            var at = places.GetValueOrDefault(said, []);
            if (at.Count == 0)
                journal.Violate(ViolationKind.Lost, room, $"id {said} was acknowledged to {said.UserId} as {ack} and is not in the log; {WhoSaw(room, said)}");
            else if (at.Count == 1 && at[0] != ack.Seq)
                journal.Violate(ViolationKind.Misplaced, room, FormattableString.Invariant($"id {said} was acknowledged to {said.UserId} as {ack} and is in the log at seq {at[0]}"));
        }

        foreach (var (said, at) in places.Where(place => place.Value.Count > 1 && place.Key != default))
            journal.Violate(ViolationKind.Doubled, room, FormattableString.Invariant($"id {said} of {said.UserId} is in the log at seqs {string.Join(", ", at)}"));
    }

    private void JudgeOrder(string room, Dictionary<Said, List<long>> places)
    {
        foreach (var client in places.Keys.Where(said => journal.Sent.GetValueOrDefault(said)).GroupBy(said => said.Client))
        {
            var before = (Said: default(Said), Seq: 0L);
            foreach (var said in client.OrderBy(said => said.Count))
            {
                var seq = places[said][0];
                if (seq < before.Seq)
                    journal.Violate(ViolationKind.Order, room, FormattableString.Invariant($"{said.UserId} sent {said} after it had the ack of {before.Said}; they are at seqs {seq} and {before.Seq}"));
                before = (said, seq);
            }
        }
    }

    private void JudgeView(RoomView view, RoomLog log)
    {
        var held = log.Entries.GroupBy(entry => entry.Seq).ToDictionary(entries => entries.Key, entries => entries.First().Said);
        foreach (var (epoch, seen) in view.Seen)
        {
            foreach (var (seq, said) in seen)
            {
                if (epoch != log.Epoch || !held.TryGetValue(seq, out var truth))
                    journal.Violate(ViolationKind.Vanished, view.Room, FormattableString.Invariant($"{view.Who} saw seq {seq} of epoch {epoch}, id {said}; the log (epoch {log.Epoch}) does not hold it"));
                else if (truth != said)
                    journal.Violate(ViolationKind.Diverged, view.Room, FormattableString.Invariant($"{view.Who} saw seq {seq} as id {said}; the log holds id {truth}"));
            }
        }

        if (view.Position is not { } position || position.Epoch != log.Epoch || position.Seq < log.Head)
            journal.Violate(ViolationKind.Behind, view.Room, FormattableString.Invariant($"{view.Who} is at {view.Position}; the log is at seq {log.Head} of epoch {log.Epoch}"));
    }

    private string WhoSaw(string room, Said said)
    {
        var saw = views.Where(view => view.Room == room && view.Seen.Values.Any(seen => seen.ContainsValue(said))).Select(view => view.Who).ToList();
        return saw.Count == 0 ? "nobody saw it" : $"{string.Join(", ", saw)} saw it";
    }
}
