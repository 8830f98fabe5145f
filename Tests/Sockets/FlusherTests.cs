using System.Net.Sockets;
using Microsoft.Extensions.Time.Testing;
using OrleansChat.Tests.Support;
using OrleansChat.WebFront.Sockets;

namespace OrleansChat.Tests.Sockets;

/// <summary>One flusher writes many connections: what befalls one must not befall the others.</summary>
[Collection(Alone.Name)]
public sealed class FlusherTests
{
    private static readonly byte[] Piece = "hello"u8.ToArray();

    [Fact]
    public async Task A_socket_that_is_gone_ends_its_own_outbox_and_no_other()
    {
        var flusher = new Flusher(TimeProvider.System);
        using var goneClient = await SocketPair.OpenAsync();
        using var client = await SocketPair.OpenAsync();
        var (gone, other) = (Started(flusher, goneClient.Server), Started(flusher, client.Server));

        // The framework disposes a socket whenever its client resets it, also while frames are on their way.
        goneClient.Server.Dispose();
        Assert.True(gone.TryPost(Piece));
        Assert.True(other.TryPost(Piece));

        await gone.WaitEmptyAsync().Soon("the outbox of the socket that is gone is abandoned");
        Assert.Equal(Piece, await client.ReadAsync(Piece.Length, "the other connection gets its frame"));
        Assert.False(gone.TryPost(Piece));
    }

    [Fact]
    public async Task Who_only_listens_waits_for_whatever_else_is_ready_but_not_for_long()
    {
        var time = new FakeTimeProvider();
        var flusher = new Flusher(time);
        using var pool = new BusyPool();
        using var speaker = await SocketPair.OpenAsync();
        using var listener = await SocketPair.OpenAsync();
        var (speakers, listeners) = (Started(flusher, speaker.Server), Started(flusher, listener.Server));

        Assert.True(listeners.TryPost(Piece, mayWait: true));
        for (var i = 0; i < 100; i++)
        {
            Assert.True(speakers.TryPost(Piece));
            Assert.Equal(Piece, await speaker.ReadAsync(Piece.Length, "who speaks gets its frame"));
        }

        Assert.Equal(0, listener.Client.Available);
        time.Advance(Flusher.WaitForEach);
        Assert.Equal(Piece, await listener.ReadAsync(Piece.Length, "who listens gets its frame, however busy the pool is"));
    }

    [Fact]
    public async Task However_many_listen_none_waits_longer_than_the_longest_wait()
    {
        var time = new FakeTimeProvider();
        var flusher = new Flusher(time);
        using var pool = new BusyPool();
        using var speaker = await SocketPair.OpenAsync();
        var speakers = Started(flusher, speaker.Server);
        var listeners = new Outbox[2 * (int)(Flusher.LongestWait / Flusher.WaitForEach)];
        for (var i = 0; i < listeners.Length; i++)
        {
            listeners[i] = new Outbox(16_384, flusher);
            listeners[i].Start(new SocketWriter(Stream.Null, socket: null));
            Assert.True(listeners[i].TryPost(Piece, mayWait: true));
        }

        await LetThemBeginToWaitAsync(); // The first, and who came before its round began.
        time.Advance(Flusher.LongestWait);
        await listeners[0].WaitEmptyAsync().Soon("the first that waited is written");
        await LetThemBeginToWaitAsync(); // Those that came after.

        time.Advance(Flusher.LongestWait);
        await listeners[^1].WaitEmptyAsync().Soon("the last that waited is written");

        async Task LetThemBeginToWaitAsync()
        {
            for (var i = 0; i < 2; i++)
            {
                Assert.True(speakers.TryPost(Piece)); // When the second is there, the round behind the first has begun.
                await speaker.ReadAsync(Piece.Length, "who speaks gets its frame");
            }
        }
    }

    [Fact]
    public async Task Who_only_listens_is_written_at_once_where_nothing_else_is_ready()
    {
        using var listener = await SocketPair.OpenAsync();
        var outbox = Started(new Flusher(new FakeTimeProvider()), listener.Server);
        Assert.True(outbox.TryPost(Piece, mayWait: true));
        Assert.Equal(Piece, await listener.ReadAsync(Piece.Length, "the frame arrives while the clock stands still"));
    }

    [Fact]
    public async Task What_fills_a_write_waits_for_nobody()
    {
        using var pool = new BusyPool();
        using var listener = await SocketPair.OpenAsync();
        var outbox = Started(new Flusher(new FakeTimeProvider()), listener.Server, capacity: 1_000_000);
        var piece = new byte[SocketWriter.MaxWrite / 2];
        Assert.True(outbox.TryPost(piece, mayWait: true));
        Assert.True(outbox.TryPost(piece, mayWait: true));
        Assert.Equal(2 * piece.Length, (await listener.ReadAsync(2 * piece.Length, "the frames arrive while the pool is busy and the clock stands still")).Length);
    }

    [Fact]
    public async Task Who_waits_for_the_writes_goes_on_when_the_next_are_done_however_the_clock_stands()
    {
        var flushers = new Flushers(new FakeTimeProvider());
        using var listener = await SocketPair.OpenAsync();
        var outbox = Started(flushers.Of("listener"), listener.Server);
        for (var i = 0; i < 3; i++)
        {
            var (written, other) = (flushers.WrittenAsync(), flushers.WrittenAsync());
            Assert.False(written.IsCompleted || other.IsCompleted);
            Assert.True(outbox.TryPost(Piece, mayWait: true));
            await Task.WhenAll(written, other).Soon("all is written");
            Assert.True(outbox.WaitEmptyAsync().IsCompleted);
            Assert.Equal(Piece, await listener.ReadAsync(Piece.Length, "the frame arrives"));
        }
    }

    [Fact]
    public async Task Where_nothing_is_written_who_waits_for_it_goes_on_soon()
    {
        var time = new FakeTimeProvider();
        var flushers = new Flushers(time);
        for (var i = 0; i < 3; i++)
        {
            var written = flushers.WrittenAsync();
            Assert.False(written.IsCompleted);
            time.Advance(Flushers.LongestWait);
            await written.Soon("the time is over");
        }
    }

    [Fact]
    public async Task Who_waits_for_a_flusher_that_is_busy_goes_on_by_the_clock_though_no_timer_fires()
    {
        var time = new ClockWithoutTimers();
        var flushers = new Flushers(time);
        using var pool = new BusyPool();
        var listeners = new Outbox[(int)(2 * Flushers.LongestWait / Flusher.WaitForEach)]; // They may wait for twice as long.
        for (var i = 0; i < listeners.Length; i++)
        {
            listeners[i] = new Outbox(16_384, flushers.Of("listener"));
            listeners[i].Start(new SocketWriter(Stream.Null, socket: null));
            Assert.True(listeners[i].TryPost(Piece, mayWait: true));
        }

        var written = flushers.WrittenAsync();
        Assert.False(written.IsCompleted);
        time.Advance(Flushers.LongestWait);
        await written.Soon("the time is over");
        Assert.False(listeners[^1].WaitEmptyAsync().IsCompleted);
    }

    [Fact]
    public async Task A_timer_that_is_early_ends_no_wait()
    {
        var time = new ClockWithoutTimers();
        var flushers = new Flushers(time);
        var written = flushers.WrittenAsync();
        time.Fire();
        time.Advance(Flushers.LongestWait / 2);
        time.Fire();
        Assert.False(written.IsCompleted);
        time.Advance(Flushers.LongestWait / 2);
        time.Fire();
        await written.Soon("the time is over");
    }

    private static Outbox Started(Flusher flusher, Socket socket, int capacity = 16_384)
    {
        socket.Blocking = false;
        var outbox = new Outbox(capacity, flusher);
        outbox.Start(new SocketWriter(Stream.Null, socket));
        return outbox;
    }

    /// <summary>Its timers fire when a test says so.</summary>
    private sealed class ClockWithoutTimers : FakeTimeProvider
    {
        private Action? _fire;

        public void Fire() => _fire!();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            _fire = () => callback(state);
            return base.CreateTimer(static _ => { }, null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
    }
}
