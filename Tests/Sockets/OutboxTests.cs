using CsCheck;
using OrleansChat.Tests.Support;
using OrleansChat.WebFront.Sockets;

namespace OrleansChat.Tests.Sockets;

/// <summary>What waits for one socket: how much, in which order, and what full means. The test is the flusher.</summary>
public sealed class OutboxTests
{
    private int _overflows;

    [Fact]
    public void What_is_posted_is_taken_together_and_in_order()
    {
        var outbox = Make(100);
        Assert.True(outbox.TryPost(Piece(1)));
        Assert.True(outbox.TryPost(Piece(2)));

        Assert.Equal([1, 2], Taken(outbox));
        Assert.False(outbox.TryTake([]));
    }

    [Fact]
    public void What_does_not_fit_overflows_when_more_than_half_is_used()
    {
        var outbox = Make(100);
        Assert.True(outbox.TryPost(Piece(1, 51)));
        Assert.True(outbox.TryPost(Piece(2, 49)));
        Assert.Equal(0, _overflows);

        Assert.False(outbox.TryPost(Piece(3, 1)));

        Assert.Equal(1, _overflows);
        Assert.Equal([1, 2], Taken(outbox));
    }

    [Fact]
    public void A_client_that_keeps_up_gets_a_piece_that_is_larger_than_the_outbox()
    {
        var outbox = Make(100);
        outbox.TryPost(Piece(1, 50));

        Assert.True(outbox.TryPost(Piece(2, 1_000)));
        Assert.False(outbox.TryPost(Piece(3, 1)));
    }

    [Fact]
    public void Bytes_count_until_they_are_written()
    {
        var outbox = Make(100);
        outbox.TryPost(Piece(1, 100));
        outbox.TryTake([]);

        Assert.False(outbox.TryPost(Piece(2, 1)));
        outbox.OnLeft(60);
        Assert.True(outbox.IsHalfFull);
        Assert.True(outbox.TryPost(Piece(3, 40)));
        outbox.OnWritten(60);
        Assert.False(outbox.IsHalfFull);
        Assert.True(outbox.TryPost(Piece(4, 60)));
        Assert.False(outbox.TryPost(Piece(5, 1)));

        Assert.Equal([3, 4], Taken(outbox));
        Assert.False(outbox.TryTake([]));
        Assert.True(outbox.TryPost(Piece(6, 100)));
    }

    [Fact]
    public void What_may_be_lost_is_not_taken_when_more_than_half_is_used_and_closes_nobody()
    {
        var outbox = Make(100);
        Assert.True(outbox.TryPost(Piece(1, 50), mayBeLost: true));
        Assert.True(outbox.TryPost(Piece(2, 1), mayBeLost: true));

        Assert.False(outbox.TryPost(Piece(3, 1), mayBeLost: true));

        Assert.True(outbox.TryPost(Piece(4, 1)));
        Assert.Equal(0, _overflows);
    }

    [Fact]
    public void The_last_piece_fits_always_and_nothing_follows_it()
    {
        var outbox = Make(100);
        outbox.TryPost(Piece(1, 100));

        outbox.Complete(Piece(9, 10));

        Assert.False(outbox.TryPost(Piece(2)));
        outbox.Complete(Piece(3));
        Assert.Equal([1, 9], Taken(outbox));
        Assert.Equal(0, _overflows);
    }

    [Fact]
    public async Task A_slow_consumers_frames_make_room_for_the_last_piece()
    {
        var outbox = Make(100);
        outbox.TryPost(Piece(1, 60));
        outbox.TryTake([]);
        outbox.TryPost(Piece(2, 40));
        var belowHalf = outbox.WaitBelowHalfAsync();

        outbox.Complete(Piece(9, 1), dropWaiting: true);
        Assert.False(belowHalf.IsCompleted);
        outbox.OnWritten(60);

        await belowHalf.Soon("what was under way is written");
        Assert.Equal([9], Taken(outbox));
    }

    [Fact]
    public async Task Waiters_hear_when_it_is_written_and_not_when_it_is_taken()
    {
        var outbox = Make(100);
        outbox.TryPost(Piece(1, 80));
        var belowHalf = outbox.WaitBelowHalfAsync();

        outbox.TryTake([]);
        outbox.OnWritten(29);
        Assert.False(belowHalf.IsCompleted);
        outbox.OnWritten(1);
        await belowHalf.Soon("half of it is written");
        Assert.True(outbox.WaitBelowHalfAsync().IsCompleted);
    }

    [Fact]
    public async Task An_outbox_whose_socket_is_gone_takes_nothing_and_keeps_nobody_waiting()
    {
        var outbox = Make(100);
        outbox.TryPost(Piece(1, 80));
        outbox.TryTake([]);
        outbox.TryPost(Piece(2, 20));
        var (belowHalf, empty) = (outbox.WaitBelowHalfAsync(), outbox.WaitEmptyAsync());

        outbox.Abandon();
        outbox.OnWritten(10); // the write that was under way

        await Task.WhenAll(belowHalf, empty, outbox.WaitBelowHalfAsync(), outbox.WaitEmptyAsync()).Soon("nobody waits");
        Assert.False(outbox.TryPost(Piece(3)));
        outbox.Complete(Piece(4));
        Assert.False(outbox.TryTake([]));
        Assert.False(outbox.IsHalfFull);
    }

    [Fact]
    public void What_was_posted_before_the_start_goes_first()
    {
        var outbox = new Outbox(100, new Flusher(TimeProvider.System));
        outbox.TryPost(Piece(1));
        Assert.True(outbox.WaitEmptyAsync().IsCompleted);

        outbox.Complete(Piece(2));

        Assert.Equal([1, 2], Taken(outbox));
    }

    [Fact]
    public async Task Whoever_posts_together_the_bound_holds_and_each_posters_order_is_kept() =>
        await Gen.Select(Gen.Int[60, 200], Gen.Int[1, 20].Array[20, 200], Gen.Int[20, 100].Array[1, 50]).SampleAsync(
            async (capacity, sizes, writes) =>
            {
                var outbox = new Outbox(capacity, new Flusher(TimeProvider.System)) { Overflowed = () => { } };
                outbox.TryPost(default); // dirty from here on: nobody but this test takes
                var (over, accepted) = (0, new int[2]);
                var posters = Enumerable.Range(0, 2).Select(poster => Task.Run(() =>
                {
                    var number = 0;
                    foreach (var size in sizes)
                    {
                        var piece = new byte[size + 2];
                        (piece[0], piece[1]) = ((byte)poster, (byte)number);
                        if (!outbox.TryPost(piece))
                            continue;
                        number++;
                        accepted[poster]++;
                    }
                })).ToArray();

                var (next, all) = (new int[2], Task.WhenAll(posters));
                for (var i = 0; ; i++)
                {
                    var isLast = all.IsCompleted;
                    var pieces = new List<ReadOnlyMemory<byte>>();
                    if (outbox.TryTake(pieces))
                    {
                        var bytes = pieces.Sum(piece => piece.Length);
                        over = Math.Max(over, bytes);
                        foreach (var piece in pieces.Where(piece => !piece.IsEmpty))
                            Assert.Equal((byte)next[piece.Span[0]]++, piece.Span[1]);
                        outbox.OnWritten(Math.Min(bytes, writes[i % writes.Length]));
                    }
                    else if (isLast)
                    {
                        break;
                    }
                }

                await all;
                Assert.Equal(accepted, next);
                Assert.InRange(over, 1, capacity);
                Assert.False(outbox.IsHalfFull);
            },
            iter: 100);

    private Outbox Make(int capacity) => new(capacity, new Flusher(TimeProvider.System)) { Overflowed = () => _overflows++ };

    private static byte[] Piece(byte number, int length = 10) => [number, .. new byte[length - 1]];

    private static byte[] Taken(Outbox outbox)
    {
        var pieces = new List<ReadOnlyMemory<byte>>();
        Assert.True(outbox.TryTake(pieces));
        return [.. pieces.Select(piece => piece.Span[0])];
    }
}
