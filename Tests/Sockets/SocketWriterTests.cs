using OrleansChat.Tests.Support;
using OrleansChat.WebFront.Sockets;

namespace OrleansChat.Tests.Sockets;

/// <summary>Flusher and writer over real sockets: readers that stop, pieces of all sizes.</summary>
public sealed class SocketWriterTests
{
    private readonly Flusher _flusher = new(TimeProvider.System);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Pieces_of_all_sizes_arrive_whole_and_in_order(bool throughStream)
    {
        using var pair = await SocketPair.OpenAsync();
        var outbox = Started(pair, 10_000_000, throughStream);
        int[] sizes = [1, 65_535, 65_536, 0, 65_537, 3, 200_000, 131_072, 1, .. Enumerable.Repeat(700, 300)];
        var pieces = sizes.Select((size, number) => Enumerable.Range(0, size).Select(at => (byte)((at * 31) + number)).ToArray()).ToArray();

        foreach (var piece in pieces)
            Assert.True(outbox.TryPost(piece));

        Assert.Equal(pieces.SelectMany(piece => piece), await pair.ReadAsync(sizes.Sum(), "all pieces arrive"));
        await outbox.WaitEmptyAsync().Soon("the outbox is clean");
        Assert.True(outbox.TryPost(new byte[] { 42 }));
        Assert.Equal([42], await pair.ReadAsync(1, "what comes later arrives too"));
    }

    [Fact]
    public async Task One_connection_that_does_not_read_does_not_hold_up_the_others()
    {
        using var stuck = await SocketPair.OpenAsync();
        using var other = await SocketPair.OpenAsync();
        var (stuckOutbox, outbox) = (Started(stuck, 100_000_000), Started(other, 1_000_000));

        var megabyte = new byte[1_000_000];
        for (var i = 0; i < 20; i++)
            Assert.True(stuckOutbox.TryPost(megabyte));
        for (byte i = 0; i < 100; i++)
        {
            Assert.True(outbox.TryPost(new[] { i }));
            Assert.Equal([i], await other.ReadAsync(1, "the other connection gets its frame"));
        }

        Assert.False(stuckOutbox.WaitEmptyAsync().IsCompleted);
        await stuck.ReadAsync(20_000_000, "the stuck one gets everything once it reads");
        await stuckOutbox.WaitEmptyAsync().Soon("its outbox is clean");
    }

    [Fact]
    public async Task A_slow_write_gives_back_as_it_goes_and_the_bound_holds_meanwhile()
    {
        using var pair = await SocketPair.OpenAsync();
        var outbox = Started(pair, 1_000_000);
        var overflows = 0;
        outbox.Overflowed = () => overflows++;
        var (posted, piece) = (0, new byte[10_000]);
        while (outbox.TryPost(piece))
            posted++;

        Assert.Equal(1, overflows);
        Assert.True(outbox.IsHalfFull);
        var belowHalf = outbox.WaitBelowHalfAsync();
        await pair.ReadAsync(posted * piece.Length, "all that was taken arrives");
        await belowHalf.Soon("there is room again");
        Assert.True(outbox.TryPost(piece));
        await pair.ReadAsync(piece.Length, "what comes later arrives too");
    }

    [Fact]
    public async Task A_client_that_resets_ends_a_write_that_waits_for_it()
    {
        using var pair = await SocketPair.OpenAsync();
        var outbox = Started(pair, 100_000_000);
        outbox.TryPost(new byte[20_000_000]);

        pair.Client.LingerState = new System.Net.Sockets.LingerOption(enable: true, seconds: 0);
        pair.Client.Dispose();

        await outbox.WaitEmptyAsync().Soon("the outbox is abandoned");
        Assert.False(outbox.TryPost(new byte[] { 1 }));
    }

    [Fact]
    public async Task Pieces_that_may_wait_and_such_that_may_not_stay_in_their_order_whether_the_client_reads_or_not()
    {
        using var pair = await SocketPair.OpenAsync();
        var outbox = Started(pair, 100_000_000);
        var (random, pieces) = (new Random(1), new List<byte[]>());
        for (var round = 0; round < 20; round++)
        {
            var from = pieces.Count;
            for (var i = 0; i < 200; i++)
            {
                var piece = new byte[random.Next(1, 30_000)];
                Array.Fill(piece, (byte)pieces.Count);
                pieces.Add(piece);
                Assert.True(outbox.TryPost(piece, mayWait: random.Next(2) == 0));
            }

            var sent = pieces.Skip(from).SelectMany(piece => piece).ToArray();
            Assert.Equal(sent, await pair.ReadAsync(sent.Length, "all pieces arrive"));
        }
    }

    private Outbox Started(SocketPair pair, int capacity, bool throughStream = false)
    {
        var stream = new System.Net.Sockets.NetworkStream(pair.Server);
        pair.Server.Blocking = throughStream;
        var outbox = new Outbox(capacity, _flusher);
        outbox.Start(new SocketWriter(stream, throughStream ? null : pair.Server));
        return outbox;
    }
}
