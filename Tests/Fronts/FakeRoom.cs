using System.Collections.Concurrent;
using OrleansChat.Grains.Interfaces;

namespace OrleansChat.Tests.Fronts;

/// <summary>A room's grain: a log in memory, and leases that it grants, or what the test wants.</summary>
internal sealed class FakeRoom(string name)
{
    private readonly Lock _gate = new();
    private readonly List<Entry> _log = [];
    private readonly ConcurrentQueue<RoomRenewal> _renewals = new();
    private string _epoch = "e1";
    private long _first = 1;
    private int _inProcess;

    public IReadOnlyList<RoomRenewal> Renewals => [.. _renewals];

    /// <summary>How many batches came as to a room of the same process.</summary>
    public int InProcess => Volatile.Read(ref _inProcess);

    /// <summary>What happens to a call that reads, after the log was read and before the front has it.</summary>
    public Func<Task> OnRead { get; set; } = () => Task.CompletedTask;

    public Func<RoomRenewal, Task<RoomLease>>? OnRenew { get; set; }

    public Func<PublishRequest[], Task<PublishAnswer[]>> OnPublish { get; set; } =
        requests => Task.FromResult(requests.Select((_, i) => new PublishAnswer(null, "e1", i + 1, 7, Duplicate: false)).ToArray());

    public (string Epoch, long Head) Head
    {
        get
        {
            lock (_gate)
                return (_epoch, _log.Count);
        }
    }

    /// <summary>Says something; the text is the epoch and the seq.</summary>
    public FeedEvent.Published Append(int count = 1)
    {
        lock (_gate)
        {
            var entries = Enumerable.Range(_log.Count + 1, count).Select(seq => new Entry(seq, "bob", "Bob", $"{_epoch}/{seq}", 1_000 + seq)).ToArray();
            _log.AddRange(entries);
            return new FeedEvent.Published(name, _epoch, entries);
        }
    }

    /// <summary>The log is lost: a new epoch, which begins empty.</summary>
    public void Lose()
    {
        lock (_gate)
        {
            _log.Clear();
            (_epoch, _first) = ($"e{int.Parse(_epoch[1..]) + 1}", 1);
        }
    }

    /// <summary>All but the newest entries are gone.</summary>
    public void Trim(int kept)
    {
        lock (_gate)
            _first = Math.Max(_first, _log.Count - kept + 1);
    }

    public Task<LogPage> Read(long from, int limit) => PageAsync(Math.Max(1, from), limit);

    public Task<LogPage> ReadBefore(long before, int limit)
    {
        lock (_gate)
        {
            var to = Math.Min(before, _log.Count + 1);
            var from = Math.Max(_first, to - limit);
            return PageAsync(from, (int)Math.Max(0, to - from));
        }
    }

    public Task<RoomLease> Renew(RoomRenewal renewal)
    {
        _renewals.Enqueue(renewal);
        return OnRenew?.Invoke(renewal) ?? Task.FromResult(Granted());
    }

    public Task<PublishAnswer[]> PublishBatch(PublishRequest[] requests) => OnPublish(requests);

    public Task<PublishAnswer[]> PublishInProcess(PublishRequest[] requests)
    {
        Interlocked.Increment(ref _inProcess);
        return OnPublish(requests);
    }

    public RoomLease Granted(params string[] refused)
    {
        lock (_gate)
            return new RoomLease(LeaseOutcome.Granted, _epoch, _log.Count, 1, refused, 0);
    }

    public static RoomLease Outcome(LeaseOutcome outcome) => new(outcome, "", 0, 0, [], 0);

    private async Task<LogPage> PageAsync(long from, int limit)
    {
        LogPage page;
        lock (_gate)
            page = new LogPage(_epoch, _first, _log.Count, [.. _log.Skip((int)Math.Max(from, _first) - 1).Take(limit)]);
        await OnRead();
        return page;
    }
}
