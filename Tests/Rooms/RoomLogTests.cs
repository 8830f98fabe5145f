using OrleansChat.Grains.Interfaces;
using OrleansChat.Tests.Support;

namespace OrleansChat.Tests.Rooms;

public sealed class RoomLogTests : IDisposable
{
    private readonly OneRoom _room = new();

    public void Dispose() => _room.Dispose();

    [Fact]
    public async Task All_who_come_while_the_log_is_opened_share_one_call()
    {
        var room = new RoomActivation(_room);
        var opening = new[] { room.Open(), room.Open(), room.Open() };
        await _room.SettleAsync();

        Assert.Equal(new[] { true, true, true }, await Task.WhenAll(opening));
        Assert.Equal("open", string.Join(' ', _room.Store.Made));
    }

    [Fact]
    public async Task Who_only_looks_does_not_keep_who_joins_from_creating_the_room()
    {
        var room = new RoomActivation(_room);
        var opening = new[] { room.Open(create: false), room.Open(create: true), room.Open(create: false), room.Open(create: true) };
        await _room.SettleAsync();

        Assert.Equal(new[] { false, true, false, true }, await Task.WhenAll(opening));
        Assert.Equal("open open", string.Join(' ', _room.Store.Made));
    }

    [Fact]
    public async Task A_log_that_could_not_be_opened_is_tried_again_by_the_next()
    {
        var room = new RoomActivation(_room);
        var opening = room.Open();
        (await _room.UntilAsync("open")).Fail();
        _room.Turns.Run();
        await Assert.ThrowsAsync<IOException>(() => opening);

        Assert.True(await _room.SettleAsync(room.Open()));
    }

    [Fact]
    public async Task A_doubt_that_comes_up_while_the_log_is_opened_is_not_forgotten()
    {
        var room = await _room.ActivateAsync();
        room.Log.Suspect();
        var opening = room.Open();
        await _room.UntilAsync("open");
        room.Log.Suspect();
        await _room.SettleAsync(opening);
        _room.Store.Made.Clear();

        await _room.SettleAsync(room.Open());

        Assert.Equal("open", string.Join(' ', _room.Store.Made));
    }

    [Fact]
    public async Task A_log_that_cannot_be_caught_up_with_is_not_open()
    {
        var (room, other) = (await _room.ActivateAsync(), await _room.ActivateAsync());
        await _room.SettleAsync(other.Publish("theirs", "1"));
        room.Log.Suspect();
        var opening = room.Open();
        (await _room.UntilAsync("read")).Fail();
        _room.Turns.Run();
        await Assert.ThrowsAsync<IOException>(() => opening);

        Assert.True((await _room.SettleAsync(room.Publish("theirs", "1")))[0].Duplicate);
        Assert.Equal("theirs", room.StreamedTexts);
    }

    [Fact]
    public async Task An_append_under_way_while_the_log_is_opened_is_counted_and_streamed_once()
    {
        var room = await _room.ActivateAsync();
        var answer = room.Publish("hi");
        var append = await _room.UntilAsync("append");
        await append.DoAsync();
        room.Log.Suspect(); // A read found a hole, and somebody joins.
        var opening = room.Open();
        while (_room.Store.UnderWay.FirstOrDefault(call => call != append) is { } call)
        {
            await call.FinishAsync();
            _room.Turns.Run();
        }

        await append.FinishAsync();
        await _room.SettleAsync(opening);

        Assert.Equal(1, (await answer)[0].Seq);
        Assert.Equal("hi", room.StreamedTexts);
        Assert.Equal((await _room.HeaderAsync())! with { Fronts = [] }, room.Log.Header with { Fronts = [] });
    }

    [Fact]
    public async Task A_log_that_fell_back_behind_what_was_acknowledged_gets_a_new_epoch_and_forgets_its_ids()
    {
        var room = await _room.ActivateAsync();
        var before = await _room.SettleAsync(room.Publish(RoomActivation.Say("1", "1"), RoomActivation.Say("2", "2")));
        await _room.SettleAsync(room.Publish("3", "3"));
        await _room.FallBackAsync(2);
        room.Log.Suspect();

        var retry = (await _room.SettleAsync(room.Publish("3", "3")))[0];

        Assert.NotEqual(before[0].Epoch, retry.Epoch, StringComparer.Ordinal);
        Assert.Equal((1, false), (retry.Seq, retry.Duplicate));
        Assert.Equal((retry.Epoch, "3"), (room.Streamed[^1].Epoch, room.Streamed[^1].Entry.Text));
    }

    [Fact]
    public async Task A_log_that_fell_back_gets_its_new_epoch_even_where_the_first_attempt_fails()
    {
        var room = await _room.ActivateAsync();
        await _room.SettleAsync(room.Publish("1", "1"));
        var before = (await _room.SettleAsync(room.Publish("2", "2")))[0];
        await _room.FallBackAsync(1);
        room.Log.Suspect();
        var opening = room.Open();
        (await _room.UntilAsync("reset")).Fail();
        _room.Turns.Run();
        await Assert.ThrowsAsync<IOException>(() => opening);

        var retry = (await _room.SettleAsync(room.Publish("2", "2")))[0];

        Assert.NotEqual(before.Epoch, retry.Epoch, StringComparer.Ordinal);
        Assert.False(retry.Duplicate, "It was answered from a log that is gone.");
    }

    [Fact]
    public async Task A_log_that_fell_back_gets_a_new_epoch_even_where_another_activation_goes_on_in_it()
    {
        var room = await _room.ActivateAsync();
        await _room.SettleAsync(room.Publish("1", "1"));
        await _room.SettleAsync(room.Publish("2", "2"));
        var before = (await _room.SettleAsync(room.Publish("3", "3")))[0];
        await _room.FallBackAsync(1);
        var other = await _room.ActivateAsync();
        room.Log.Suspect();
        var opening = room.Open();
        var reset = await _room.UntilAsync("reset");
        var theirs = other.Publish("theirs");
        _room.Turns.Run();
        await _room.Store.UnderWay.Single(call => call != reset).FinishAsync();
        _room.Turns.Run();
        Assert.Equal(2, (await theirs)[0].Seq);
        await _room.SettleAsync(opening);

        Assert.NotEqual(before.Epoch, room.Log.Header.Epoch, StringComparer.Ordinal);
        Assert.False((await _room.SettleAsync(room.Publish("3", "3")))[0].Duplicate, "It was answered from a log that is gone.");
    }

    [Fact]
    public async Task A_front_noted_in_an_epoch_that_is_over_by_then_is_not_taken_for_noted()
    {
        var room = await _room.ActivateAsync();
        await _room.SettleAsync(room.Publish("1"));
        var noting = _room.Turns.Begin(() => room.Log.AddFrontAsync("front"));
        var add = await _room.UntilAsync("add front");
        await add.FinishAsync(); // Done; and before its turn comes, a new epoch is there.
        await _room.LoseLogAsync();
        room.Log.Suspect();
        await _room.SettleAsync(room.Open());

        Assert.Equal((await _room.HeaderAsync())!.Fronts.Contains("front", StringComparer.Ordinal), await noting && room.Log.Header.Fronts.Contains("front", StringComparer.Ordinal));
    }

    [Fact]
    public async Task What_was_read_and_is_not_whole_makes_the_next_one_look_at_the_header()
    {
        var room = await _room.ActivateAsync();
        await _room.SettleAsync(room.Publish("1"));
        await _room.LoseLogAsync();
        Assert.Empty(await _room.SettleAsync(_room.Turns.Begin(() => room.Log.ReadAsync(1, 10))));

        var before = room.Log.Header.Epoch;
        await _room.SettleAsync(room.Open(create: false));
        Assert.NotEqual(before, room.Log.Header.Epoch, StringComparer.Ordinal);
    }

    /// <summary>Takes the three seconds: only of the real clock can a deadline be used again.</summary>
    [Fact]
    public async Task An_append_after_others_has_an_end_too()
    {
        var room = await _room.ActivateAsync(TimeProvider.System);
        await _room.SettleAsync(room.Publish("1"));
        var unanswered = room.Publish("2");
        await _room.UntilAsync("append");
        await _room.Turns.Due.Soon("the store's time is over");

        Assert.Equal(ChatError.Unavailable, (await _room.SettleAsync(unanswered))[0].Error);
    }

    [Fact]
    public async Task An_append_that_ran_out_of_time_takes_none_from_the_next()
    {
        var room = await _room.ActivateAsync();
        await _room.SettleAsync(room.Publish("1"));
        var late = room.Publish("2");
        await _room.UntilAsync("append");
        _room.Time.Advance(Deadlines.Store);
        Assert.Equal(ChatError.Unavailable, (await _room.SettleAsync(late))[0].Error);

        var next = room.Publish("3");
        var append = await _room.UntilAsync("append");
        _room.Time.Advance(Deadlines.Store - TimeSpan.FromMilliseconds(1));
        Assert.False(append.IsAbandoned);
        await append.FinishAsync();

        Assert.Equal((null, 2), ((await _room.SettleAsync(next))[0].Error, (await next)[0].Seq));
    }
}
