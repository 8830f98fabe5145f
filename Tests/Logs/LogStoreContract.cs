using System.Text;
using CsCheck;
using OrleansChat.Grains.Logs;

namespace OrleansChat.Tests.Logs;

/// <summary>What every make of log store promises. Each make derives a class from this, which says where its logs are and how to damage them.</summary>
public abstract class LogStoreContract
{
    private readonly CancellationTokenSource _deadline = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);

    protected LogStoreContract() => _deadline.CancelAfter(TimeSpan.FromSeconds(60));

    private protected abstract ILogStore Store { get; }

    /// <summary>Passed to every call of a store: a call that hangs fails its test after a minute.</summary>
    protected CancellationToken Deadline => _deadline.Token;

    /// <summary>A room nobody has used.</summary>
    protected string Room { get; } = $"room-{Guid.NewGuid():N}";

    [Fact]
    public async Task A_room_without_a_log_gets_one_only_when_asked()
    {
        Assert.Null(await Store.OpenAsync(Room, create: false, Deadline));

        var header = await Store.OpenAsync(Room, create: true, Deadline);

        Assert.NotNull(header);
        Assert.Matches("^[A-Za-z0-9_-]{11}$", header.Epoch);
        AssertSame(new LogHeader(header.Epoch, 0, 1, 0, 0, []), header);
        AssertSame(header, await Store.OpenAsync(Room, create: false, Deadline));
        AssertSame(header, await Store.OpenAsync(Room, create: true, Deadline));
    }

    [Fact]
    public async Task A_room_without_a_log_has_nothing_to_read_and_refuses_everything()
    {
        Assert.Empty(await Store.ReadAsync(Room, 1, 100, Deadline));
        Assert.False(await Store.AppendAsync(Room, new LogPosition("AAAAAAAAAAA", 0), Batch(1), Deadline));
        Assert.False(await Store.AddFrontAsync(Room, "AAAAAAAAAAA", "front", Deadline));
        Assert.Null(await Store.OpenAsync(Room, create: false, Deadline));
    }

    [Fact]
    public async Task An_append_moves_the_head_and_can_be_read_as_it_was_written()
    {
        var log = await NewLog();
        var batch = new LogBatch(3, 1_700_000_000_123, new byte[] { 0, 1, 2, 255, 10, 13, 0 });

        Assert.True(await Store.AppendAsync(Room, new LogPosition(log.Epoch, 0), batch, Deadline));

        AssertSame(new LogHeader(log.Epoch, 3, 1, 1_700_000_000_123, 7, []), await Reopen());
        AssertSame([batch], await Store.ReadAsync(Room, 1, 3, Deadline));
    }

    [Fact]
    public async Task A_read_gives_whole_batches_where_the_range_begins_or_ends_inside_one()
    {
        await Filled(3, 6, 7, 20);

        Assert.Equal([6L, 7, 20], await Lasts(5, 8));
        Assert.Equal([6L], await Lasts(4, 6));
        Assert.Equal([6L], await Lasts(5, 5));
        Assert.Equal([7L], await Lasts(7, 7));
        Assert.Equal([20L], await Lasts(8, 8));
        Assert.Equal([3L, 6, 7, 20], await Lasts(1, long.MaxValue));
        Assert.Empty(await Lasts(21, 30));
        Assert.Empty(await Lasts(5, 4));
    }

    [Fact]
    public async Task A_writer_whose_head_is_stale_is_refused_and_changes_nothing()
    {
        var log = await Filled(2, 5);

        Assert.False(await Store.AppendAsync(Room, new LogPosition(log.Epoch, 2), Batch(3), Deadline));
        Assert.False(await Store.AppendAsync(Room, new LogPosition(log.Epoch, 2), Batch(9), Deadline));
        Assert.False(await Store.AppendAsync(Room, new LogPosition(log.Epoch, 8), Batch(9), Deadline));

        AssertSame(log, await Reopen());
        Assert.Equal([2L, 5], await Lasts(1, 100));
    }

    [Fact]
    public async Task Another_epoch_refuses_everything()
    {
        var log = await Filled(2, 5);
        var elsewhere = log with { Epoch = "AAAAAAAAAAA" };

        Assert.False(await Store.AppendAsync(Room, new LogPosition(elsewhere.Epoch, 5), Batch(6), Deadline));
        Assert.False(await Store.TrimAsync(Room, elsewhere, 3, 1, Deadline));
        Assert.False(await Store.ResetAsync(Room, new LogPosition(elsewhere.Epoch, 5), Deadline));
        Assert.False(await Store.AddFrontAsync(Room, elsewhere.Epoch, "front", Deadline));
        Assert.False(await Store.RemoveFrontAsync(Room, elsewhere.Epoch, "front", Deadline));

        AssertSame(log, await Reopen());
        Assert.Equal([2L, 5], await Lasts(1, 100));
    }

    [Fact]
    public async Task Of_two_writers_that_race_exactly_one_wins_each_round()
    {
        var log = await NewLog();
        var head = 0L;
        for (var round = 0; round < 200; round++)
        {
            var position = new LogPosition(log.Epoch, head);
            // One writes an entry more than the other, so that ascending ids alone would let both in.
            var won = await Task.WhenAll(
                Task.Run(() => Store.AppendAsync(Room, position, Batch(position.Head + 1, "one"), Deadline), Deadline),
                Task.Run(() => Store.AppendAsync(Room, position, Batch(position.Head + 2, "two"), Deadline), Deadline));

            Assert.Single(won, true);
            head += won[0] ? 1 : 2;
            AssertSame([Batch(head, won[0] ? "one" : "two")], await Store.ReadAsync(Room, position.Head + 1, position.Head + 2, Deadline));
        }
        Assert.Equal(head, (await Reopen()).Head);
    }

    [Fact]
    public async Task A_trim_drops_the_oldest_batches_and_says_so_in_the_header()
    {
        var log = await Filled(3, 6, 7);

        Assert.True(await Store.TrimAsync(Room, log, 4, Payload(3).Length, Deadline));

        var trimmed = log with { First = 4, Bytes = Payload(6).Length + Payload(7).Length };
        AssertSame(trimmed, await Reopen());
        Assert.Empty(await Lasts(1, 3));
        Assert.Equal([6L, 7], await Lasts(1, 7));
        Assert.False(await Store.TrimAsync(Room, log, 7, 1, Deadline)); // The header the caller knew is not the log's any more.
        AssertSame(trimmed, await Reopen());
    }

    [Fact]
    public async Task After_a_trim_to_nothing_the_log_goes_on_where_it_ended()
    {
        var log = await Filled(3, 6);

        Assert.True(await Store.TrimAsync(Room, log, 7, log.Bytes, Deadline));

        var empty = log with { First = 7, Bytes = 0 };
        AssertSame(empty, await Reopen());
        Assert.Empty(await Lasts(1, 100));
        Assert.False(await Store.AppendAsync(Room, new LogPosition(log.Epoch, 0), Batch(1), Deadline));
        Assert.True(await Store.AppendAsync(Room, new LogPosition(log.Epoch, 6), Batch(8), Deadline));
        Assert.Equal([8L], await Lasts(1, 100));
        AssertSame(empty with { Head = 8, LastTimestamp = Batch(8).Timestamp, Bytes = Payload(8).Length }, await Reopen());
    }

    [Fact]
    public async Task A_trim_beyond_the_log_is_the_callers_mistake()
    {
        var log = await Filled(3, 6);

        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => Store.TrimAsync(Room, log, 8, 0, Deadline));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => Store.TrimAsync(Room, log, 0, 0, Deadline));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(
            () => Store.AppendAsync(Room, new LogPosition(log.Epoch, 6), Batch(6), Deadline));
    }

    [Fact]
    public async Task A_reset_begins_an_empty_epoch_and_keeps_the_fronts()
    {
        var log = await Filled(3, 6);
        Assert.True(await Store.AddFrontAsync(Room, log.Epoch, "front", Deadline));

        Assert.False(await Store.ResetAsync(Room, new LogPosition(log.Epoch, 3), Deadline));
        Assert.False(await Store.ResetAsync(Room, new LogPosition("AAAAAAAAAAA", 6), Deadline));
        AssertSame(log with { Fronts = ["front"] }, await Reopen());
        Assert.True(await Store.ResetAsync(Room, new LogPosition(log.Epoch, 6), Deadline));

        var fresh = await Reopen();
        Assert.NotEqual(log.Epoch, fresh.Epoch, StringComparer.Ordinal);
        AssertSame(new LogHeader(fresh.Epoch, 0, 1, 0, 0, ["front"]), fresh);
        Assert.Empty(await Lasts(1, 100));
        Assert.False(await Store.ResetAsync(Room, new LogPosition(log.Epoch, 6), Deadline));
        Assert.False(await Store.AppendAsync(Room, new LogPosition(log.Epoch, 6), Batch(7), Deadline));
        Assert.True(await Store.AppendAsync(Room, new LogPosition(fresh.Epoch, 0), Batch(2), Deadline));
        Assert.Equal([2L], await Lasts(1, 100));
    }

    [Fact]
    public async Task Fronts_stay_until_they_are_removed()
    {
        var log = await NewLog();

        Assert.True(await Store.AddFrontAsync(Room, log.Epoch, "a", Deadline));
        Assert.True(await Store.AddFrontAsync(Room, log.Epoch, "b:2", Deadline));
        Assert.True(await Store.AddFrontAsync(Room, log.Epoch, "a", Deadline));
        Assert.True(await Store.AppendAsync(Room, new LogPosition(log.Epoch, 0), Batch(1), Deadline));
        Assert.Equal(["a", "b:2"], (await Reopen()).Fronts.Order(StringComparer.Ordinal), StringComparer.Ordinal);

        Assert.True(await Store.RemoveFrontAsync(Room, log.Epoch, "a", Deadline));
        Assert.True(await Store.RemoveFrontAsync(Room, log.Epoch, "never seen", Deadline));
        Assert.Equal(["b:2"], (await Reopen()).Fronts);
    }

    [Theory]
    [InlineData("a:b")]
    [InlineData("{tag}/header")]
    [InlineData("Стамтиш 🍻")]
    [InlineData("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")]
    public async Task A_room_may_have_any_name(string name)
    {
        var rooms = new[] { Room + name, Room + name + "x" };
        foreach (var room in rooms)
        {
            var log = (await Store.OpenAsync(room, create: true, Deadline))!;
            Assert.True(await Store.AppendAsync(room, new LogPosition(log.Epoch, 0), Batch(1, room), Deadline));
        }
        foreach (var room in rooms)
            Assert.Equal(room, Encoding.UTF8.GetString(Assert.Single(await Store.ReadAsync(room, 1, 1, Deadline)).Payload.Span));
    }

    [Theory]
    [InlineData(Damage.NoHeader)]
    [InlineData(Damage.NoBatches)]
    [InlineData(Damage.OlderHeader)]
    [InlineData(Damage.OlderBatches)]
    public async Task A_log_whose_header_and_batches_do_not_fit_refuses_writers_and_begins_anew(Damage damage)
    {
        var log = await Filled(3, 6);
        Assert.True(await Store.AddFrontAsync(Room, log.Epoch, "front", Deadline));
        await DamageAsync(damage);

        foreach (var head in new[] { 0, 3, 6 })
            Assert.False(await Store.AppendAsync(Room, new LogPosition(log.Epoch, head), Batch(head + 1), Deadline));
        var fresh = await Store.OpenAsync(Room, create: false, Deadline);

        Assert.NotNull(fresh);
        Assert.NotEqual(log.Epoch, fresh.Epoch, StringComparer.Ordinal);
        AssertSame(new LogHeader(fresh.Epoch, 0, 1, 0, 0, []), fresh);
        Assert.Empty(await Lasts(1, 100));
        Assert.False(await Store.AppendAsync(Room, new LogPosition(log.Epoch, 6), Batch(7), Deadline));
        Assert.True(await Store.AppendAsync(Room, new LogPosition(fresh.Epoch, 0), Batch(1), Deadline));
        AssertSame([Batch(1)], await Store.ReadAsync(Room, 1, 100, Deadline));
    }

    [Fact]
    public async Task A_call_whose_deadline_has_passed_is_cancelled()
    {
        using var passed = new CancellationTokenSource();
        await passed.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Store.OpenAsync(Room, create: true, passed.Token));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Store.ReadAsync(Room, 1, 2, passed.Token));
    }

    [Fact]
    public async Task Whatever_is_asked_the_log_does_what_the_model_does()
    {
        var step = Gen.Select(Gen.Int[0, 9], Gen.Int[1, 5], Gen.Int[0, 40], Gen.Int[0, 15]);
        await step.Array[1, 30].SampleAsync(FollowsTheModel, iter: 100, threads: 1, print: steps => string.Join(", ", steps));
    }

    private async Task FollowsTheModel((int Kind, int Length, int Place, int Span)[] steps)
    {
        var room = $"model-{Guid.NewGuid():N}";
        var model = new LogModel((await Store.OpenAsync(room, create: true, Deadline))!.Epoch);
        foreach (var (kind, length, place, span) in steps)
        {
            var header = model.Header;
            switch (kind)
            {
                case <= 3: // append
                    var batch = Batch(header.Head + length, new string('x', place));
                    Assert.Equal(
                        model.Append(new LogPosition(header.Epoch, header.Head), batch),
                        await Store.AppendAsync(room, new LogPosition(header.Epoch, header.Head), batch, Deadline));
                    break;
                case 4: // append where the log does not end
                    var stale = new LogPosition(header.Epoch, place);
                    Assert.Equal(model.Append(stale, Batch(place + length)), await Store.AppendAsync(room, stale, Batch(place + length), Deadline));
                    break;
                case 5: // trim
                    var first = model.Borders[place % model.Borders.Count];
                    var bytes = model.BytesBefore(first);
                    Assert.Equal(model.Trim(header, first), await Store.TrimAsync(room, header, first, bytes, Deadline));
                    break;
                case 6:
                    model.AddFront($"f{span}");
                    Assert.True(await Store.AddFrontAsync(room, header.Epoch, $"f{span}", Deadline));
                    break;
                case 7:
                    model.RemoveFront($"f{span}");
                    Assert.True(await Store.RemoveFrontAsync(room, header.Epoch, $"f{span}", Deadline));
                    break;
                case 8: // not after every step: a store may have two places for what was appended since
                    AssertSame(model.Header, await Store.OpenAsync(room, create: false, Deadline));
                    break;
                default:
                    AssertSame(model.Read(place, place + span), await Store.ReadAsync(room, place, place + span, Deadline));
                    break;
            }
        }
        AssertSame(model.Header, await Store.OpenAsync(room, create: false, Deadline));
        AssertSame(model.Read(0, long.MaxValue), await Store.ReadAsync(room, 0, long.MaxValue, Deadline));
    }

    /// <summary>Damages the log of <see cref="Room"/>, which holds batches that end at 3 and 6.</summary>
    protected abstract Task DamageAsync(Damage damage);

    /// <summary>A new log for <see cref="Room"/>.</summary>
    private protected async Task<LogHeader> NewLog() => (await Store.OpenAsync(Room, create: true, Deadline))!;

    /// <summary>A log with batches that end at these seqs.</summary>
    private protected async Task<LogHeader> Filled(params long[] lasts)
    {
        var log = await NewLog();
        var head = 0L;
        foreach (var last in lasts)
        {
            Assert.True(await Store.AppendAsync(Room, new LogPosition(log.Epoch, head), Batch(last), Deadline));
            head = last;
        }
        return await Reopen();
    }

    private protected async Task<LogHeader> Reopen() => (await Store.OpenAsync(Room, create: false, Deadline))!;

    private protected async Task<IEnumerable<long>> Lasts(long from, long to) =>
        (await Store.ReadAsync(Room, from, to, Deadline)).Select(batch => batch.Last);

    private protected static LogBatch Batch(long last, string? text = null) =>
        new(last, 1_000_000 + last, text is null ? Payload(last) : Encoding.UTF8.GetBytes(text));

    private protected static byte[] Payload(long last) => Encoding.UTF8.GetBytes($"entries up to {last}");

    private protected static void AssertSame(LogHeader expected, LogHeader? actual)
    {
        Assert.NotNull(actual);
        Assert.Equal(expected with { Fronts = [] }, actual with { Fronts = [] });
        Assert.Equal(expected.Fronts.Order(StringComparer.Ordinal), actual.Fronts.Order(StringComparer.Ordinal));
    }

    private protected static void AssertSame(IReadOnlyList<LogBatch> expected, IReadOnlyList<LogBatch> actual) => Assert.Equal(
        expected.Select(batch => (batch.Last, batch.Timestamp, Convert.ToHexString(batch.Payload.Span))),
        actual.Select(batch => (batch.Last, batch.Timestamp, Convert.ToHexString(batch.Payload.Span))));
}

/// <summary>What a log may have lost.</summary>
public enum Damage
{
    /// <summary>The header is gone.</summary>
    NoHeader,

    /// <summary>All batches are gone.</summary>
    NoBatches,

    /// <summary>The header is that of before the last batch.</summary>
    OlderHeader,

    /// <summary>The last batch is gone.</summary>
    OlderBatches,
}
