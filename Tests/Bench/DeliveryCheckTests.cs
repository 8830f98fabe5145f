using OrleansChat.Bench.Load;

namespace OrleansChat.Tests.Bench;

public sealed class DeliveryCheckTests
{
    private readonly Faults _faults = new();
    private readonly DeliveryCheck _check;

    // The second room of a run with two publishers each.
    public DeliveryCheckTests() => _check = new DeliveryCheck(firstSender: 2, senders: 2, _faults) { Seq = 7 };

    [Fact]
    public void Messages_in_their_order_are_no_fault()
    {
        Assert.True(Take(sender: 2, count: 0, seq: 8));
        Assert.True(Take(sender: 3, count: 0, seq: 9));
        Assert.True(Take(sender: 2, count: 1, seq: 10));
        Assert.Equal(0, _faults.Total);
        Assert.Equal(2u, _check.Next(0));
        Assert.Equal(1u, _check.Next(1));
    }

    [Fact]
    public void A_lost_message_is_noticed_by_its_publishers_count_and_by_its_seq()
    {
        Take(sender: 2, count: 0, seq: 8);
        Assert.True(Take(sender: 2, count: 2, seq: 10));
        Assert.Equal(1, _faults.Skipped);
        Assert.Equal(1, _faults.SeqBreaks);
    }

    [Fact]
    public void A_message_that_comes_twice_is_a_repeat_and_does_not_count()
    {
        Take(sender: 2, count: 0, seq: 8);
        Assert.False(Take(sender: 2, count: 0, seq: 8));
        Assert.Equal(1, _faults.Repeated);
        Assert.Equal(1, _faults.SeqBreaks);
    }

    [Fact]
    public void A_message_stored_twice_is_a_repeat_though_its_seq_follows()
    {
        Take(sender: 2, count: 0, seq: 8);
        Assert.False(Take(sender: 2, count: 0, seq: 9));
        Assert.Equal(1, _faults.Repeated);
        Assert.Equal(0, _faults.SeqBreaks);
    }

    [Fact]
    public void Two_publishers_messages_that_are_swapped_break_the_seqs()
    {
        Take(sender: 3, count: 0, seq: 9);
        Take(sender: 2, count: 0, seq: 8);
        Assert.Equal(2, _faults.SeqBreaks);
        Assert.Equal(0, _faults.Skipped + _faults.Repeated);
    }

    [Fact]
    public void A_message_of_another_room_is_a_fault()
    {
        Assert.False(Take(sender: 1, count: 0, seq: 8));
        Assert.False(Take(sender: 4, count: 0, seq: 8));
        Assert.Equal(2, _faults.Foreign);
    }

    [Fact]
    public void Without_seqs_the_publishers_counts_alone_decide()
    {
        Take(sender: 3, count: 0, seq: -1);
        Take(sender: 2, count: 0, seq: -1);
        Assert.Equal(0, _faults.Total);
        Take(sender: 2, count: 2, seq: -1);
        Assert.Equal(1, _faults.Skipped);
    }

    private bool Take(uint sender, uint count, long seq) => _check.Take(new Marker(sender, count, 0), seq);
}
