using OrleansChat.Grains;
using OrleansChat.Grains.Interfaces;
using OrleansChat.Grains.Logs;

namespace OrleansChat.Tests.Rooms;

public sealed class IdempotencyWindowTests
{
    private const long TenMinutes = 600_000;

    private readonly IdempotencyWindow _window = new();

    [Fact]
    public void An_old_id_is_known_for_a_thousand_messages()
    {
        Add(seq: 1, timestamp: 0);
        for (var seq = 2; seq <= 1_000; seq++)
            Add(seq, 10 * TenMinutes);
        Assert.True(Knows(1), "It was forgotten within a thousand messages.");

        Add(1_001, 10 * TenMinutes);
        Assert.False(Knows(1), "It was kept for longer than anything asks for.");
        Assert.True(Knows(2));
    }

    [Fact]
    public void An_id_of_the_last_ten_minutes_is_known_however_many_messages_followed()
    {
        Add(seq: 1, timestamp: 0);
        for (var seq = 2; seq <= 20_000; seq++)
            Add(seq, TenMinutes);
        Assert.True(Knows(1), "It was forgotten within ten minutes.");

        Add(20_001, TenMinutes + 1);
        Assert.False(Knows(1), "It was kept for longer than anything asks for.");
        Assert.True(Knows(2));
    }

    [Fact]
    public void What_is_no_longer_in_the_log_is_known_for_a_thousand_messages_and_not_for_ten_minutes()
    {
        for (var seq = 1; seq <= 5_000; seq++)
            Add(seq, timestamp: 0, first: 4_900);
        Assert.False(Knows(4_000), "What the log had to drop was kept: its memory would have no bound.");
        Assert.True(Knows(4_001));
    }

    [Fact]
    public void Messages_without_an_id_count_and_are_not_kept()
    {
        Add(seq: 1, timestamp: 0);
        for (var seq = 2; seq <= 1_001; seq++)
            _window.Add(new LogEntry(Entry(seq, TenMinutes + 1), 0, 0), first: 1);
        Assert.False(Knows(1));
        Assert.False(_window.TryGet(0, out _));
    }

    [Fact]
    public void The_first_place_of_an_id_is_the_one_that_is_told()
    {
        Add(seq: 1, timestamp: 5);
        _window.Add(new LogEntry(Entry(2, 6), 1, 9), first: 1);
        Assert.True(_window.TryGet(1, out var known));
        Assert.Equal(new IdempotencyWindow.Known(1, 5, 7), known);
    }

    [Fact]
    public void What_it_knows_is_the_same_whatever_grew_and_was_forgotten_meanwhile()
    {
        var ids = new Random(5);
        List<UInt128> said = [];
        for (var seq = 1; seq <= 50_000; seq++)
        {
            // The log is short, long, and short again.
            var first = seq is > 20_000 and < 40_000 ? 1 : Math.Max(1, seq - 3_000);
            said.Add(new UInt128((ulong)ids.NextInt64(), (ulong)ids.NextInt64()));
            _window.Add(new LogEntry(Entry(seq, timestamp: 0), said[^1], 7), first);
        }

        for (var seq = 1; seq <= 50_000; seq++)
            Assert.Equal(seq >= 47_000, _window.TryGet(said[seq - 1], out var known) && known.Seq == seq);
    }

    [Fact]
    public void A_new_epoch_knows_nothing()
    {
        Add(seq: 1, timestamp: 0);
        _window.IsLoaded = true;
        _window.Clear();
        Assert.False(_window.IsLoaded || Knows(1));
        Add(seq: 1, timestamp: 0);
        Assert.True(Knows(1));
    }

    private static Entry Entry(long seq, long timestamp) => new(seq, "alice", "Alice", "hi", timestamp);

    private void Add(long seq, long timestamp, long first = 1) => _window.Add(new LogEntry(Entry(seq, timestamp), (UInt128)seq, 7), first);

    private bool Knows(long seq) => _window.TryGet((UInt128)seq, out _);
}
