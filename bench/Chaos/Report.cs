namespace OrleansChat.Chaos;

/// <summary>What a person wants to know of a run.</summary>
internal sealed class Report(Journal journal, IReadOnlyList<Struck> faults, IReadOnlyList<TimeSpan> ghosts, IReadOnlyList<RoomView> views, ChaosOptions options, TimeSpan talked)
{
    private const int MostShown = 10;

    public void Write(TextWriter output)
    {
        var seen = views.Sum(view => view.Seen.Values.Sum(entries => (long)entries.Count));
        output.WriteLine();
        output.WriteLine(FormattableString.Invariant($"{journal.Acks.Count} messages acknowledged, {seen} deliveries to {options.Clients} clients, {talked.TotalSeconds:0} s"));
        foreach (var (what, count) in journal.Counts.OrderBy(count => count.Key, StringComparer.Ordinal))
            output.WriteLine(FormattableString.Invariant($"{count,8} {what}"));
        WritePauses(output);
        if (ghosts.Count > 0)
            output.WriteLine(FormattableString.Invariant($"Members of killed fronts were gone after at most {ghosts.Max().TotalSeconds:0.0} s"));
        WriteVerdict(output);
    }

    /// <summary>A pause belongs to the fault in whose time it lies: from its beginning to that of the next, or to the end of the talk.</summary>
    private void WritePauses(TextWriter output)
    {
        if (faults.Count == 0)
            return;
        var pauses = new List<(Struck Fault, string Room, TimeSpan Pause)>();
        for (var i = 0; i < faults.Count; i++)
        {
            var to = i + 1 < faults.Count ? faults[i + 1].From : talked;
            pauses.AddRange(views.Select(view => view.Room).Distinct(StringComparer.Ordinal).Select(room => (faults[i], room, journal.LongestPause(room, faults[i].From, to))));
        }

        output.WriteLine("The longest time for which a room accepted nothing:");
        foreach (var kind in pauses.GroupBy(pause => pause.Fault.Fault.Name, StringComparer.Ordinal))
        {
            var sorted = kind.OrderBy(pause => pause.Pause).ToList();
            var (median, worst) = (sorted[sorted.Count / 2], sorted[^1]);
            output.WriteLine(FormattableString.Invariant(
                $"  {kind.Key,-20} {faults.Count(fault => fault.Fault.Name == kind.Key),3} times   p50 {median.Pause.TotalSeconds,5:0.0} s   max {worst.Pause.TotalSeconds,5:0.0} s (room {worst.Room}, after {worst.Fault.From.TotalSeconds:0.0} s {worst.Fault.Target})"));
        }
    }

    private void WriteVerdict(TextWriter output)
    {
        output.WriteLine();
        if (journal.Violations.Count == 0)
        {
            output.WriteLine("PROVEN: every acknowledged message is in the log once, at its place; every client saw every seq once, in order, and the same text as all others.");
            return;
        }

        output.WriteLine(FormattableString.Invariant($"{journal.Violations.Count} VIOLATIONS"));
        foreach (var kind in journal.Violations.GroupBy(violation => violation.Kind))
        {
            foreach (var violation in kind.Take(MostShown))
                output.WriteLine($"  {violation}");
            if (kind.Count() > MostShown)
                output.WriteLine(FormattableString.Invariant($"  {kind.Key}: and {kind.Count() - MostShown} more"));
        }
    }
}
