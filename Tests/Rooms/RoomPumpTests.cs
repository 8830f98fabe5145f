using Microsoft.Extensions.Time.Testing;
using OrleansChat.Grains;
using OrleansChat.Grains.Interfaces;

namespace OrleansChat.Tests.Rooms;

public sealed class RoomPumpTests : IDisposable
{
    private readonly OneRoom _room = new();

    public void Dispose() => _room.Dispose();

    [Fact]
    public async Task A_message_is_answered_and_streamed_after_it_is_in_the_log_and_not_before()
    {
        var room = await _room.ActivateAsync();

        var answer = room.Publish("hi");
        var append = await _room.UntilAsync("append");
        Assert.False(answer.IsCompleted, "It was answered before it was stored.");
        Assert.Empty(room.Streamed);
        await append.FinishAsync();
        _room.Turns.Run();

        var header = (await _room.HeaderAsync())!;
        Assert.Equal([new PublishAnswer(null, header.Epoch, 1, 1_700_000_000_000, Duplicate: false)], await answer);
        Assert.Equal([(header.Epoch, new Entry(1, "alice", "ALICE", "hi", 1_700_000_000_000))], room.Streamed);
        Assert.Equal(1, header.Head);
    }

    [Fact]
    public async Task What_comes_while_an_append_is_under_way_goes_into_the_next_one_together_and_in_order()
    {
        var room = await _room.ActivateAsync();

        var first = room.Publish("1");
        var append = await _room.UntilAsync("append");
        var rest = new[] { room.Publish("2"), room.Publish(RoomActivation.Say("3"), RoomActivation.Say("4")), room.Publish("5") };
        _room.Turns.Run();
        await append.FinishAsync();
        await _room.SettleAsync();

        Assert.Equal(2, _room.Store.Made.Count(name => name == "append"));
        Assert.Equal([1L], Seqs(await first));
        Assert.Equal([2L, 3, 4, 5], (await Task.WhenAll(rest)).SelectMany(Seqs));
        Assert.Equal("1 2 3 4 5", room.StreamedTexts);
    }

    [Fact]
    public async Task What_the_first_poster_holds_in_its_context_does_not_reach_the_batches_that_follow()
    {
        var context = new AsyncLocal<string?>();
        var seen = new List<string?>();
        RoomPump? pump = null;
        var log = new RoomLog(_room.Store, _room.Name, _room.Options, _room.Time) { Opened = () => pump!.CatchUpAsync() };
        pump = new RoomPump(log, (_, _) => seen.Add(context.Value), _ => { }, new GrainOptions().MessageChars, _room.Time);
        await _room.SettleAsync(_room.Turns.Begin(async () => await log.EnsureOpenAsync(create: true)));

        var answers = _room.Turns.Begin(() =>
        {
            context.Value = "the first poster's";
            var (first, second) = (new PendingPublish([RoomActivation.Say("1")]), new PendingPublish([RoomActivation.Say("2")]));
            pump.Post(first);
            pump.Post(second);
            Assert.Equal("the first poster's", context.Value);
            return Task.WhenAll(first.Answers, second.Answers);
        });
        await _room.SettleAsync(answers);

        Assert.Equal([null, null], seen);
    }

    [Fact]
    public async Task When_an_answer_is_lost_all_that_waits_is_unavailable_and_a_retry_gets_the_first_place()
    {
        var room = await _room.ActivateAsync();

        var lost = room.Publish("hi", "1");
        var append = await _room.UntilAsync("append");
        var waiting = room.Publish("and then", "2");
        _room.Turns.Run();
        await append.LoseAnswerAsync();
        _room.Turns.Run();

        AssertRefused(ChatError.Unavailable, await lost);
        AssertRefused(ChatError.Unavailable, await waiting);
        var retry = await _room.SettleAsync(room.Publish("hi", "1"));
        Assert.Equal((1, true), (retry[0].Seq, retry[0].Duplicate));
        Assert.Equal("hi", await _room.TextsAsync());
        Assert.Equal("hi", room.StreamedTexts);
    }

    [Fact]
    public async Task A_retry_that_comes_while_the_log_is_read_again_is_not_stored_a_second_time()
    {
        var room = await _room.ActivateAsync();
        var lost = room.Publish("hi", "1");
        await (await _room.UntilAsync("append")).LoseAnswerAsync();
        _room.Turns.Run();
        AssertRefused(ChatError.Unavailable, await lost);

        var opening = room.Open();
        await _room.UntilAsync("read"); // The header is known again, the entry behind it not yet.
        var retry = room.Publish("hi", "1");
        _room.Turns.Run();
        while (_room.Store.UnderWay.FirstOrDefault(call => call.Name != "read") is { } call)
        {
            await call.FinishAsync();
            _room.Turns.Run();
        }

        await _room.SettleAsync(opening);
        Assert.Equal((1, true), ((await retry)[0].Seq, (await retry)[0].Duplicate));
        Assert.Equal("hi", await _room.TextsAsync());
        Assert.Equal("hi", room.StreamedTexts);
    }

    [Fact]
    public async Task What_was_not_stored_is_unavailable_and_its_retry_is_stored()
    {
        var room = await _room.ActivateAsync();

        var failed = room.Publish("hi", "1");
        (await _room.UntilAsync("append")).Fail();
        _room.Turns.Run();
        AssertRefused(ChatError.Unavailable, await failed);

        var retry = await _room.SettleAsync(room.Publish("hi", "1"));
        Assert.Equal((1, false), (retry[0].Seq, retry[0].Duplicate));
        Assert.Equal("hi", await _room.TextsAsync());
    }

    [Fact]
    public async Task A_store_that_stalls_is_given_three_seconds()
    {
        var room = await _room.ActivateAsync();

        var stalled = room.Publish("hi", "1");
        var append = await _room.UntilAsync("append");
        _room.Time.Advance(TimeSpan.FromSeconds(2.9));
        _room.Turns.Run();
        Assert.False(stalled.IsCompleted, "It was given up too soon.");
        _room.Time.Advance(TimeSpan.FromSeconds(0.1));
        _room.Turns.Run();
        AssertRefused(ChatError.Unavailable, await stalled);
        Assert.IsType<OperationCanceledException>(Assert.Single(room.Failures), exactMatch: false);

        await append.FinishAsync(); // Done after all, when nobody waits any more.
        Assert.True((await _room.SettleAsync(room.Publish("hi", "1")))[0].Duplicate);
        Assert.Equal("hi", await _room.TextsAsync());
    }

    [Fact]
    public async Task When_another_activation_was_here_what_it_stored_is_streamed_first_and_the_message_follows()
    {
        var (one, other) = (await _room.ActivateAsync(), await _room.ActivateAsync());
        await _room.SettleAsync(other.Publish("theirs", "1"));

        var answers = await _room.SettleAsync(one.Publish(RoomActivation.Say("theirs", "1"), RoomActivation.Say("ours", "2")));

        Assert.Equal([(1L, true), (2L, false)], answers.Select(answer => (answer.Seq, answer.Duplicate)));
        Assert.Equal("theirs ours", await _room.TextsAsync());
        Assert.Equal("theirs ours", one.StreamedTexts);
        Assert.Empty(one.Failures);
    }

    [Fact]
    public async Task An_activation_that_is_overtaken_five_times_gives_up_and_its_retry_succeeds()
    {
        var (one, other) = (await _room.ActivateAsync(), await _room.ActivateAsync());
        await _room.SettleAsync(one.Publish("first", "0")); // From here on it knows the ids.

        var overtaken = one.Publish("ours", "1");
        for (var i = 0; i < 5; i++)
        {
            var append = await _room.UntilAsync("append");
            var theirs = other.Publish($"theirs {i}");
            _room.Turns.Run();
            while (!theirs.IsCompleted)
            {
                await _room.Store.UnderWay.First(call => call != append).FinishAsync();
                _room.Turns.Run();
            }

            await append.FinishAsync();
            _room.Turns.Run();
        }

        AssertRefused(ChatError.Unavailable, await _room.SettleAsync(overtaken));
        Assert.Equal(7, (await _room.SettleAsync(one.Publish("ours", "1")))[0].Seq);
    }

    [Fact]
    public async Task An_id_used_for_another_text_is_a_conflict_and_another_user_may_use_it()
    {
        var room = await _room.ActivateAsync();
        await _room.SettleAsync(room.Publish("hi", "1"));

        AssertRefused(ChatError.IdConflict, await _room.SettleAsync(room.Publish("ho", "1")));
        Assert.Equal(2, (await _room.SettleAsync(room.Publish("ho", "1", user: "bob")))[0].Seq);
        Assert.Equal("hi ho", await _room.TextsAsync());
    }

    [Fact]
    public async Task A_repeat_within_one_batch_gets_the_first_ones_place()
    {
        var room = await _room.ActivateAsync();

        var answers = await _room.SettleAsync(room.Publish(
            RoomActivation.Say("hi", "1"), RoomActivation.Say("hi", "1"), RoomActivation.Say("ho", "1"), RoomActivation.Say("hu", "2")));

        Assert.Equal([null, null, ChatError.IdConflict, null], answers.Select(answer => answer.Error));
        Assert.Equal([(1L, false), (1, true), (0, false), (2, false)], answers.Select(answer => (answer.Seq, answer.Duplicate)));
        Assert.Equal("hi hu", await _room.TextsAsync());
    }

    [Fact]
    public async Task A_repeat_that_comes_while_the_first_append_is_under_way_waits_for_it()
    {
        var room = await _room.ActivateAsync();

        var first = room.Publish("hi", "1");
        var append = await _room.UntilAsync("append");
        var repeat = room.Publish("hi", "1");
        _room.Turns.Run();
        Assert.False(repeat.IsCompleted, "The repeat was answered before the first one was stored.");
        await append.FinishAsync();
        await _room.SettleAsync();

        Assert.Equal(((await first)[0] with { Duplicate = true }), (await repeat)[0]);
        Assert.Equal("hi", await _room.TextsAsync());
    }

    [Fact]
    public async Task Without_an_id_a_repeat_is_a_second_message()
    {
        var room = await _room.ActivateAsync();
        await _room.SettleAsync(room.Publish("hi"));
        await _room.SettleAsync(room.Publish("hi"));
        Assert.Equal("hi hi", await _room.TextsAsync());
    }

    [Fact]
    public async Task What_was_stored_though_its_answer_was_lost_is_streamed_when_the_log_is_opened_again()
    {
        var room = await _room.ActivateAsync();
        _ = room.Publish("hi");
        await (await _room.UntilAsync("append")).LoseAnswerAsync();
        _room.Turns.Run();
        Assert.Empty(room.Streamed);

        await _room.SettleAsync(room.Open());
        Assert.Equal("hi", room.StreamedTexts);

        await _room.SettleAsync(room.Publish("ho"));
        Assert.Equal("hi ho", room.StreamedTexts);
    }

    [Fact]
    public async Task Timestamps_never_fall_even_where_the_next_activations_clock_is_behind()
    {
        var ahead = await _room.ActivateAsync();
        var behind = await _room.ActivateAsync(new FakeTimeProvider(_room.Time.GetUtcNow() - TimeSpan.FromHours(1)));

        await _room.SettleAsync(ahead.Publish("1"));
        await _room.SettleAsync(behind.Publish("2"));
        _room.Time.Advance(TimeSpan.FromSeconds(1));
        await _room.SettleAsync(ahead.Publish("3"));

        Assert.Equal([1_700_000_000_000, 1_700_000_000_000, 1_700_000_001_000], (await _room.EntriesAsync()).Select(entry => entry.Entry.Timestamp));
    }

    [Fact]
    public async Task The_logs_tail_is_read_when_the_first_id_comes_and_never_again()
    {
        await _room.SettleAsync((await _room.ActivateAsync()).Publish("hi", "1"));
        var room = await _room.ActivateAsync();
        await _room.SettleAsync(room.Publish("no id"));
        Assert.DoesNotContain("read", _room.Store.Made, StringComparer.Ordinal);

        Assert.True((await _room.SettleAsync(room.Publish("hi", "1")))[0].Duplicate);
        Assert.Single(_room.Store.Made, "read");

        await _room.SettleAsync(room.Publish("ho", "2"));
        Assert.Single(_room.Store.Made, "read");
    }

    [Fact]
    public async Task A_room_nobody_ever_joined_takes_no_message()
    {
        var room = new RoomActivation(_room);
        AssertRefused(ChatError.NotFound, await _room.SettleAsync(room.Publish("hi")));
        Assert.Null(await _room.HeaderAsync());
    }

    [Fact]
    public async Task A_room_whose_log_is_lost_goes_on_in_a_new_epoch()
    {
        var room = await _room.ActivateAsync();
        var before = (await _room.SettleAsync(room.Publish("hi", "1")))[0];

        await _room.LoseLogAsync();
        var after = (await _room.SettleAsync(room.Publish("ho", "2")))[0];

        Assert.Equal((null, 1, false), (after.Error, after.Seq, after.Duplicate));
        Assert.NotEqual(before.Epoch, after.Epoch, StringComparer.Ordinal);
        Assert.Equal([(before.Epoch, "hi"), (after.Epoch, "ho")], room.Streamed.Select(streamed => (streamed.Epoch, streamed.Entry.Text)));
    }

    [Fact]
    public async Task Whoever_is_told_of_a_failure_may_fail_and_still_nobody_waits_forever()
    {
        var room = await _room.ActivateAsync();
        room.Throws = new InvalidOperationException("The activation is gone.");

        var answer = room.Publish("hi", "1");
        (await _room.UntilAsync("append")).Fail();

        AssertRefused(ChatError.Unavailable, await _room.SettleAsync(answer));
    }

    [Fact]
    public async Task A_stream_that_throws_fails_no_answer_and_loses_no_entry()
    {
        var room = await _room.ActivateAsync();
        room.Throws = new InvalidOperationException("The feed is full.");

        Assert.Equal([1L], Seqs(await _room.SettleAsync(room.Publish("hi"))));

        room.Throws = null;
        await _room.SettleAsync(room.Publish("ho"));
        Assert.Equal("hi ho", room.StreamedTexts);
    }

    [Fact]
    public async Task Calls_beyond_4096_that_wait_are_unavailable_at_once()
    {
        var room = await _room.ActivateAsync();
        _ = room.Publish("under way");
        var append = await _room.UntilAsync("append");
        var waiting = Enumerable.Range(0, 4_096).Select(i => room.Publish($"{i}")).ToList();
        var tooMany = room.Publish("one more");
        _room.Turns.Run();

        AssertRefused(ChatError.Unavailable, await tooMany);
        await append.FinishAsync();
        await _room.SettleAsync();
        Assert.Equal(4_097, (await waiting[^1])[0].Seq);
    }

    [Fact]
    public async Task A_pump_that_stops_finishes_what_waits_and_takes_no_more()
    {
        var room = await _room.ActivateAsync();
        var first = room.Publish("1");
        var append = await _room.UntilAsync("append");
        var second = room.Publish("2");
        var stop = room.Stop();
        _room.Turns.Run();

        AssertRefused(ChatError.Unavailable, await room.Publish("late"));
        Assert.False(stop.IsCompleted, "It stopped before it had finished.");
        await append.FinishAsync();
        await _room.SettleAsync(stop);

        Assert.True(first.IsCompleted && second.IsCompleted, "It stopped before it had finished.");
        Assert.Equal([1L, 2], Seqs(await first).Concat(Seqs(await second)));
    }

    [Fact]
    public async Task A_pump_that_stops_waits_three_seconds_for_the_store_and_not_longer()
    {
        var room = await _room.ActivateAsync();
        var answers = room.Publish([.. Enumerable.Range(0, 1_001).Select(i => RoomActivation.Say($"{i}"))]);
        var first = await _room.UntilAsync("append");
        var stop = room.Stop();
        _room.Time.Advance(TimeSpan.FromSeconds(2));
        await first.FinishAsync();
        await _room.UntilAsync("append"); // The message too many for one append: its deadline is two seconds later.

        _room.Turns.Run();
        Assert.False(stop.IsCompleted, "It did not wait.");
        _room.Time.Advance(TimeSpan.FromSeconds(1));
        _room.Turns.Run();
        Assert.True(stop.IsCompleted, "It waited longer than three seconds.");
        Assert.False(answers.IsCompleted, "There was nothing to wait for.");
    }

    private static IEnumerable<long> Seqs(PublishAnswer[] answers) => answers.Select(answer => answer.Seq);

    private static void AssertRefused(ChatError error, PublishAnswer[] answers) => Assert.Equal([PublishAnswer.Refused(error)], answers);
}
