using OrleansChat.Chaos;

namespace OrleansChat.Tests.Chaos;

/// <summary>What the checker finds when it holds acks and clients' records against the log.</summary>
public sealed class ProofTests
{
    private static readonly Said First = new(0, 0, 1);
    private static readonly Said Second = new(0, 0, 2);
    private static readonly Said Other = new(1, 0, 1);

    private readonly Journal _journal = new(new Clock(TimeProvider.System));
    private readonly RoomView _view;

    public ProofTests()
    {
        _view = new RoomView("user-0", "r0", _journal);
        _view.OnJoined("e", head: 0, recovered: null, since: null);
    }

    [Fact]
    public void What_was_acknowledged_and_seen_as_the_log_holds_it_is_in_order()
    {
        Acknowledge(First, 1);
        Acknowledge(Other, 2);
        See(First, Other);
        Assert.Empty(Judge(First, Other));
    }

    [Fact]
    public void An_acknowledged_message_that_the_log_does_not_hold_is_lost()
    {
        Acknowledge(First, 1);
        Acknowledge(Second, 2);
        See(First);
        Assert.Equal(["Lost in room r0: id c0-r0-2 was acknowledged to user-0 as seq 2 (time 0) and is not in the log; nobody saw it"], Judge(First));
    }

    [Fact]
    public void A_message_that_the_log_holds_twice_is_doubled()
    {
        Acknowledge(First, 1);
        See(First, First);
        Assert.Equal(["Doubled in room r0: id c0-r0-1 of user-0 is in the log at seqs 1, 2"], Judge(First, First));
    }

    [Fact]
    public void A_message_at_another_seq_than_was_acknowledged_is_misplaced()
    {
        Acknowledge(First, 2);
        Acknowledge(Other, 2);
        See(First, Other);
        Assert.Equal(["Misplaced in room r0: id c0-r0-1 was acknowledged to user-0 as seq 2 (time 0) and is in the log at seq 1"], Judge(First, Other));
    }

    [Fact]
    public void Two_acks_of_one_id_have_to_agree()
    {
        Acknowledge(First, 1);
        Acknowledge(First, 2);
        See(First);
        Assert.Equal(["AcksDiffer in room r0: id c0-r0-1 was acknowledged to user-0 as seq 1 (time 0), then as seq 2 (time 0)"], Judge(First));
    }

    [Fact]
    public void A_sender_that_waits_for_its_acks_finds_its_order_kept()
    {
        Acknowledge(First, 2);
        Acknowledge(Second, 1);
        See(Second, First);
        Assert.Equal(["Order in room r0: user-0 sent c0-r0-2 after it had the ack of c0-r0-1; they are at seqs 1 and 2"], Judge(Second, First));
    }

    [Fact]
    public void A_client_that_saw_another_text_diverged()
    {
        Acknowledge(First, 1);
        _journal.OnSent(Other, inOrder: true);
        See(Other);
        Assert.Equal(["Diverged in room r0: user-0 saw seq 1 as id c1-r0-1; the log holds id c0-r0-1"], Judge(First));
    }

    [Fact]
    public void What_a_client_saw_and_the_log_does_not_hold_has_vanished()
    {
        Acknowledge(First, 1);
        _journal.OnSent(Other, inOrder: true);
        See(First, Other);
        Assert.Equal(["Vanished in room r0: user-0 saw seq 2 of epoch e, id c1-r0-1; the log (epoch e) does not hold it"], Judge(First));
    }

    [Fact]
    public void A_client_that_was_not_given_the_end_is_behind()
    {
        Acknowledge(First, 1);
        Acknowledge(Other, 2);
        See(First);
        Assert.Equal(["Behind in room r0: user-0 is at (e, 1); the log is at seq 2 of epoch e"], Judge(First, Other));
    }

    [Fact]
    public void A_message_that_nobody_sent_is_unknown()
    {
        See(First);
        Assert.Equal(["Unknown in room r0: the log holds id c0-r0-1 at seq 1, which was not sent"], Judge(First));
    }

    [Fact]
    public void A_log_that_a_new_reader_gets_with_a_hole_has_a_gap()
    {
        Acknowledge(First, 1);
        Acknowledge(Other, 3);
        _view.OnMessage(1, First.UserId, First.Text, timestamp: 0);
        _view.OnJoined("e", head: 3, recovered: true, since: 2);
        _view.OnMessage(3, Other.UserId, Other.Text, timestamp: 0);
        Assert.Equal(
            ["Gap in room r0: a reader of the log got seq 3 in the place of seq 2", "Behind in room r0: a reader of the log got 2 of 3 messages"],
            Judge(new RoomLog("e", 3, [(1, First), (3, Other)])));
    }

    private void Acknowledge(Said said, long seq)
    {
        _journal.OnSent(said, inOrder: true);
        _journal.OnAck(said, new Ack(seq, 0));
    }

    private void See(params Said[] inOrder)
    {
        for (var i = 0; i < inOrder.Length; i++)
            _view.OnMessage(i + 1, inOrder[i].UserId, inOrder[i].Text, timestamp: 0);
    }

    private string[] Judge(params Said[] log) => Judge(new RoomLog("e", log.Length, [.. log.Select((said, i) => (i + 1L, said))]));

    private string[] Judge(RoomLog log)
    {
        new Proof(_journal, [_view], new Dictionary<string, RoomLog>(StringComparer.Ordinal) { ["r0"] = log }).Run();
        return [.. _journal.Violations.Select(violation => violation.ToString())];
    }
}
