using OrleansChat.Grains;
using OrleansChat.Grains.Interfaces;

namespace OrleansChat.Tests.Rooms;

/// <summary>What goes from a log, and when.</summary>
public sealed class RoomLogTrimTests
{
    [Fact]
    public async Task What_exceeds_the_length_goes_only_when_it_is_older_than_the_age_too()
    {
        using var room = new OneRoom(new GrainOptions { RoomLogLength = 8, RoomLogAge = TimeSpan.FromMinutes(10) });
        var activation = await room.ActivateAsync();
        for (var i = 1; i <= 12; i++)
            await room.SettleAsync(activation.Publish($"{i}"));
        Assert.Equal(1, (await room.HeaderAsync())!.First);

        room.Time.Advance(TimeSpan.FromMinutes(10));
        await room.SettleAsync(activation.Publish("13"));
        Assert.Equal(1, (await room.HeaderAsync())!.First);

        room.Time.Advance((TimeSpan.FromMinutes(10) / 8) + TimeSpan.FromMilliseconds(1)); // An eighth of slack, so that several go together.
        await room.SettleAsync(activation.Publish("14"));
        Assert.Equal(7, (await room.HeaderAsync())!.First);
        Assert.Equal((await room.HeaderAsync())! with { Fronts = [] }, activation.Log.Header with { Fronts = [] });
    }

    [Fact]
    public async Task An_old_message_stays_while_the_log_is_not_longer_than_its_length_and_an_eighth()
    {
        using var room = new OneRoom(new GrainOptions { RoomLogLength = 8, RoomLogAge = TimeSpan.Zero });
        var activation = await room.ActivateAsync();
        for (var i = 1; i <= 9; i++)
        {
            await room.SettleAsync(activation.Publish($"{i}"));
            room.Time.Advance(TimeSpan.FromDays(1));
        }

        Assert.Equal(1, (await room.HeaderAsync())!.First);
        await room.SettleAsync(activation.Publish("10"));
        Assert.Equal(3, (await room.HeaderAsync())!.First);
    }

    [Fact]
    public async Task A_log_above_its_bytes_loses_its_oldest_whatever_their_number_and_age_and_never_its_newest()
    {
        using var room = new OneRoom(new GrainOptions { RoomLogBytes = 300 });
        var activation = await room.ActivateAsync();
        for (var i = 1; i <= 5; i++)
            await room.SettleAsync(activation.Publish(new string('x', 100)));

        var header = (await room.HeaderAsync())!;
        Assert.Equal((4, 5), (header.First, header.Head));
        Assert.InRange(header.Bytes, 200, 300);

        await room.SettleAsync(activation.Publish(new string('x', 1_000)));
        header = (await room.HeaderAsync())!;
        Assert.Equal((6, 6), (header.First, header.Head));
        Assert.Equal(header with { Fronts = [] }, activation.Log.Header with { Fronts = [] });
    }

    [Fact]
    public async Task What_is_younger_than_the_age_stays_also_where_batches_are_remembered_together()
    {
        using var room = new OneRoom(new GrainOptions { RoomLogLength = 64, RoomLogAge = TimeSpan.FromMinutes(2) });
        var activation = await room.ActivateAsync();
        for (var i = 1; i <= 600; i++)
        {
            room.Time.Advance(TimeSpan.FromSeconds(1));
            await room.SettleAsync(activation.Publish($"{i}"));

            var newestGone = activation.Log.Header.First - 1; // One a second: the seqs tell the ages.
            Assert.True(newestGone == 0 || i - newestGone > 120, $"{newestGone} was trimmed at {i}.");
        }

        Assert.InRange(activation.Log.Header.First, 600 - 120 - 30, 600 - 120);
    }

    [Theory]
    [InlineData(900, 300)]
    [InlineData(300, 1_100)]
    public async Task A_batch_of_another_activation_that_may_not_go_yet_is_not_read_at_every_append(int theirs, int ours)
    {
        using var room = new OneRoom(new GrainOptions { RoomLogLength = 1_000, RoomLogAge = TimeSpan.Zero });
        var before = await room.ActivateAsync();
        await room.SettleAsync(before.Publish([.. Enumerable.Range(1, theirs).Select(i => new PublishRequest("u", "U", $"{i}", null))]));
        var after = await room.ActivateAsync();
        for (var i = 1; i <= ours; i++)
        {
            room.Time.Advance(TimeSpan.FromSeconds(1));
            await room.SettleAsync(after.Publish($"{i}"));
        }

        Assert.InRange(room.Store.Made.Count(call => call == "read"), 0, 2);
        Assert.Equal(theirs < ours ? theirs + 1 : 1, after.Log.Header.First);
    }

    [Fact]
    public async Task A_log_at_its_bytes_is_trimmed_once_for_many_appends_and_nothing_is_read_for_it()
    {
        using var room = new OneRoom(new GrainOptions { RoomLogBytes = 65_536 });
        await OverfillAsync(room);

        Assert.InRange(room.Store.Made.Count(call => call == "trim"), 10, 60);
        Assert.DoesNotContain("read", room.Store.Made, StringComparer.Ordinal);
    }

    [Fact]
    public async Task What_another_activation_appended_is_trimmed_too()
    {
        using var room = new OneRoom(new GrainOptions { RoomLogBytes = 65_536 });
        var before = await room.ActivateAsync();
        for (var i = 1; i <= 400; i++)
            await room.SettleAsync(before.Publish(new string('x', 100)));

        await OverfillAsync(room);
    }

    [Fact]
    public async Task An_id_stays_known_when_its_message_is_trimmed_by_age_and_length()
    {
        using var room = new OneRoom(new GrainOptions { RoomLogLength = 1, RoomLogAge = TimeSpan.Zero });
        var activation = await room.ActivateAsync();
        await room.SettleAsync(activation.Publish("1", "1"));
        for (var i = 2; i <= 5; i++)
        {
            room.Time.Advance(TimeSpan.FromSeconds(1));
            await room.SettleAsync(activation.Publish($"{i}"));
        }

        Assert.True((await room.HeaderAsync())!.First > 1);
        var retry = (await room.SettleAsync(activation.Publish("1", "1")))[0];
        Assert.Equal((1, true), (retry.Seq, retry.Duplicate));
    }

    [Fact]
    public async Task A_trim_that_fails_makes_nothing_unavailable_that_was_stored()
    {
        using var room = new OneRoom(new GrainOptions { RoomLogLength = 1, RoomLogAge = TimeSpan.Zero });
        var activation = await room.ActivateAsync();
        await room.SettleAsync(activation.Publish("1"));
        room.Time.Advance(TimeSpan.FromSeconds(1));
        var answer = activation.Publish("2");
        (await room.UntilAsync("trim")).Fail();
        await room.SettleAsync();

        Assert.Equal((null, 2), ((await answer)[0].Error, (await answer)[0].Seq));
        Assert.Equal(3, (await room.SettleAsync(activation.Publish("3")))[0].Seq);
        Assert.Equal(2, (await room.HeaderAsync())!.First);
    }

    /// <summary>A new activation appends more than fits into 65,536 bytes. The log never exceeds them, and in the end is nearly as large.</summary>
    private static async Task OverfillAsync(OneRoom room)
    {
        var activation = await room.ActivateAsync();
        for (var i = 1; i <= 1_000; i++)
        {
            await room.SettleAsync(activation.Publish(new string('x', 100)));
            Assert.InRange(activation.Log.Header.Bytes, 1, 65_536);
        }

        var header = (await room.HeaderAsync())!;
        Assert.Equal(header with { Fronts = [] }, activation.Log.Header with { Fronts = [] });
        Assert.Equal(header.Head - header.First + 1, (await room.EntriesAsync()).Count);
        Assert.InRange(header.Bytes, 60_000, 65_536);
    }
}
