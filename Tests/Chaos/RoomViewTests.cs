using OrleansChat.Chaos;

namespace OrleansChat.Tests.Chaos;

/// <summary>What the checker's client takes for a broken promise the moment it sees it.</summary>
public sealed class RoomViewTests
{
    private readonly Journal _journal = new(new Clock(TimeProvider.System));
    private readonly RoomView _view;

    public RoomViewTests()
    {
        _view = new RoomView("user-1", "r0", _journal);
        _view.OnJoined("e", head: 4, recovered: null, since: null);
        See(5);
        See(6);
    }

    [Fact]
    public void Seqs_one_by_one_are_in_order()
    {
        See(7);
        Assert.Empty(_journal.Violations);
    }

    [Fact]
    public void A_seq_that_is_missing_is_a_gap()
    {
        See(8);
        AssertFound(ViolationKind.Gap, "user-1 got seq 8, id c0-r0-8, right after seq 6");
    }

    [Fact]
    public void A_seq_that_comes_again_is_a_repeat()
    {
        See(6);
        AssertFound(ViolationKind.Repeat, "user-1 got seq 6, id c0-r0-6, after seq 6");
    }

    [Fact]
    public void What_follows_a_recovery_must_begin_where_the_client_left_off()
    {
        _view.OnCut();
        _view.OnJoined("e", head: 9, recovered: true, since: 6);
        See(8);
        AssertFound(ViolationKind.Gap, "user-1 got seq 8, id c0-r0-8, right after seq 6");
    }

    [Fact]
    public void A_client_that_is_told_of_a_hole_was_not_recovered()
    {
        _view.OnCut();
        _view.OnJoined("e", head: 9, recovered: false, since: 6);
        AssertFound(ViolationKind.NotRecovered, "user-1 has seq 6 of epoch e and was told, on joining again: recovered False, epoch e, head 9");
    }

    [Fact]
    public void A_hole_that_is_told_unasked_was_not_recovered()
    {
        _view.OnJoinedUnasked("e", head: 9, recovered: false);
        AssertFound(ViolationKind.NotRecovered, "user-1 has seq 6 of epoch e and was told, unasked: recovered False, epoch e, head 9");
    }

    [Fact]
    public void Another_epoch_is_no_recovery_whatever_it_says()
    {
        _view.OnCut();
        _view.OnJoined("f", head: 6, recovered: true, since: 6);
        AssertFound(ViolationKind.NotRecovered, "user-1 has seq 6 of epoch e and was told, on joining again: recovered True, epoch f, head 6");
    }

    [Fact]
    public void A_message_before_room_joined_is_out_of_place()
    {
        _view.OnCut();
        See(7);
        AssertFound(ViolationKind.Gap, "user-1 got seq 7, id c0-r0-7, before room_joined");
    }

    [Fact]
    public void A_text_in_anothers_name_was_sent_by_nobody()
    {
        _view.OnMessage(7, "user-2", new Said(0, 0, 7).Text, timestamp: 7);
        AssertFound(ViolationKind.Unknown, "user-1 got seq 7 from user-2, which nobody sent so: client 0 room 0 count 7");
    }

    [Fact]
    public void A_time_that_falls_is_told()
    {
        _view.OnMessage(7, "user-0", new Said(0, 0, 7).Text, timestamp: 5);
        AssertFound(ViolationKind.Time, "user-1 got seq 7, id c0-r0-7, with a time below that of seq 6");
    }

    private void See(long seq) => _view.OnMessage(seq, "user-0", new Said(0, 0, (int)seq).Text, timestamp: seq);

    private void AssertFound(ViolationKind kind, string text) => Assert.Equal([new Violation(kind, "r0", text)], _journal.Violations);
}
