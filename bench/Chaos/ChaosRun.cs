namespace OrleansChat.Chaos;

/// <summary>One run: a cluster starts, clients talk, a schedule breaks it, everything is mended, and what is left is judged.</summary>
internal sealed class ChaosRun
{
    /// <summary>How long after the last fault everything must be in order again.</summary>
    private static readonly TimeSpan SettleLimit = TimeSpan.FromSeconds(60);

    private readonly ChaosOptions _options;
    private readonly TextWriter _output;
    private readonly Clock _clock;
    private readonly Journal _journal;
    private readonly Token _token;
    private readonly string _folder;
    private readonly Cluster _cluster;
    private readonly IReadOnlyList<BreakingProxy> _proxies;
    private readonly IReadOnlyList<ChaosClient> _clients;
    private readonly Ghosts _ghosts;
    private readonly Storm _storm;
    private TimeSpan _talked;

    public ChaosRun(ChaosOptions options, TimeProvider time, TextWriter output)
    {
        (_options, _output, _clock) = (options, output, new Clock(time));
        (_journal, _token) = (new Journal(_clock), new Token(_clock));
        _folder = Directory.CreateTempSubdirectory("orleanschat-chaos-").FullName;
        _cluster = new Cluster(options, _folder, _token, _journal, _clock);
        var breaker = new FrameBreaker(options.Breaks);
        _proxies = options.Breaks.Count == 0 ? [] : [.. _cluster.FrontAddresses.Select(front => new BreakingProxy(front, _cluster.FreeAddress(), breaker))];
        var addresses = _proxies.Count == 0 ? _cluster.FrontAddresses : [.. _proxies.Select(proxy => proxy.Address)];
        _clients = [.. Enumerable.Range(0, options.Clients).Select(number => new ChaosClient(Said.UserOf(number), addresses, options.Rooms, _token, _journal, _clock))];
        _ghosts = new Ghosts(_cluster.FrontAddresses, _clients, _token, _journal, _clock);
        _storm = new Storm(_cluster, _clients, _ghosts, _clock, output);
    }

    /// <returns>Whether everything held.</returns>
    public async Task<bool> RunAsync(CancellationToken stop)
    {
        var held = false;
        try
        {
            await RunAllAsync(stop);
            held = _journal.Violations.Count == 0;
            return held;
        }
        finally
        {
            await _cluster.KillAsync();
            if (held && !_options.Keep)
                Directory.Delete(_folder, recursive: true);
            else
                _output.WriteLine($"The processes' logs and Redis' file are in {_folder}");
        }
    }

    private async Task RunAllAsync(CancellationToken stop)
    {
        _output.WriteLine(FormattableString.Invariant(
            $"Chaos: mode {_options.Mode}, seed {_options.Seed}; {_options.Silos} silos, {_options.Fronts} fronts, {_options.Rooms} rooms, {_options.Clients} clients, {_options.Rate} messages/s"));
        await _cluster.StartAsync(stop);
        if (_journal.Violations.Count > 0)
            throw new ChaosException($"The cluster did not start: {_journal.Violations.First()}");

        using var end = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var running = _proxies.Select(proxy => proxy.RunAsync(end.Token)).Concat(_clients.Select(client => client.RunAsync(end.Token))).ToList();
        try
        {
            if (!await _clock.UntilAsync(() => _clients.All(client => client.IsInAllRooms), SettleLimit, stop))
                throw new ChaosException($"The clients could not join all rooms within {SettleLimit.TotalSeconds} s.");
            var logs = await TalkAsync(stop);
            new Proof(_journal, [.. _clients.SelectMany(client => client.Views)], logs).Run();
            new Report(_journal, _storm.Done, await _ghosts.AllGoneAsync(), [.. _clients.SelectMany(client => client.Views)], _options, _talked).Write(_output);
        }
        finally
        {
            await end.CancelAsync();
            await Task.WhenAll(running);
        }
    }

    /// <summary>Talk and faults, until everything is acknowledged, every client has everything and every ghost is gone.</summary>
    /// <returns>The logs.</returns>
    private async Task<Dictionary<string, RoomLog>> TalkAsync(CancellationToken stop)
    {
        using var talk = new CancellationTokenSource();
        using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var interval = TimeSpan.FromSeconds(_options.Clients * _options.Rooms / _options.Rate);
        var lanes = from client in Enumerable.Range(0, _options.Clients)
                    from room in Enumerable.Range(0, _options.Rooms)
                    select new Lane(_clients[client], client, room, inOrder: client % 2 == 0, interval, _journal, _clock).RunAsync(talk.Token, giveUp.Token);
        var talking = Task.WhenAll(lanes.ToList());
        var storm = _storm.RunAsync(Schedule.Draw(_options), stop);
        await _clock.Delay(Schedule.Length(_options), stop);
        await storm;

        // The last fault's pause ends with a message too.
        var mended = _clock.Now;
        await _clock.UntilAsync(() => _clients[0].Views.All(view => _journal.LongestPause(view.Room, mended, _clock.Now) < _clock.Now - mended), SettleLimit, stop);
        _talked = _clock.Now;
        await talk.CancelAsync();
        if (!await _clock.UntilAsync(() => talking.IsCompleted, SettleLimit, stop))
        {
            foreach (var said in _journal.Sent.Keys.Where(said => !_journal.Acks.ContainsKey(said)))
                _journal.Violate(ViolationKind.Refused, said.RoomName, $"id {said} of {said.UserId} was not acknowledged within {SettleLimit.TotalSeconds} s of the last fault");
        }

        await giveUp.CancelAsync();
        await talking.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return await SettleAsync(stop);
    }

    private async Task<Dictionary<string, RoomLog>> SettleAsync(CancellationToken stop)
    {
        var before = await ReadLogsAsync(stop);
        var limit = _options.Breaks.Count == 0 ? SettleLimit : TimeSpan.FromSeconds(2); // Who was robbed of the last message never gets it.
        await _clock.UntilAsync(() => _clients.All(client => client.Views.All(view => view.Position is { } at && at.Seq >= before[view.Room].Head)), limit, stop);
        await _ghosts.AllGoneAsync();
        var logs = await ReadLogsAsync(stop);
        foreach (var (room, log) in logs)
        {
            if (log.Epoch != before[room].Epoch || !log.Entries.SequenceEqual(before[room].Entries))
                _journal.Violate(ViolationKind.Diverged, room, $"two readings of the quiet log differ: {before[room].Entries.Count} messages, then {log.Entries.Count}");
        }

        return logs;
    }

    private async Task<Dictionary<string, RoomLog>> ReadLogsAsync(CancellationToken stop)
    {
        var logs = new Dictionary<string, RoomLog>(StringComparer.Ordinal);
        foreach (var view in _clients[0].Views)
            logs[view.Room] = await RoomLog.ReadAsync(_cluster.FrontAddresses[logs.Count % _cluster.FrontAddresses.Count], _token, view.Room, view.Position?.Epoch ?? "", _journal, _clock, stop);
        return logs;
    }
}
