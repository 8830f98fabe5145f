using System.Diagnostics.CodeAnalysis;
using System.Net.Sockets;
using OrleansChat.Tests.Support;
using OrleansChat.WebFront.Sockets;

namespace OrleansChat.Tests.Sockets;

/// <summary>A reader that waits for what comes: watched by the poller, where the system has what it needs, and by .NET.</summary>
public sealed class PolledSocketTests : IAsyncLifetime
{
    private readonly byte[] _buffer = new byte[4];
    private SocketPair _pair = null!;

    public static TheoryData<bool> BothWays => [true, false];

    [Fact]
    public void Linux_has_a_poller() => Assert.Equal(OperatingSystem.IsLinux(), SocketPoller.Shared is not null);

    [Theory, MemberData(nameof(BothWays))]
    public async Task What_comes_ends_a_wait_and_is_read_up_to_the_end(bool polled)
    {
        using var socket = Open(polled);
        var waiting = Begin(socket);
        Assert.False(waiting.IsCompleted);
        await _pair.SendAsync(1, 2, 3);
        await waiting.Soon("the wait ends");
        Assert.Equal(3, socket.Receive(_buffer));
        Assert.Equal(-1, socket.Receive(_buffer));

        await _pair.SendAsync(4);
        _pair.Client.Shutdown(SocketShutdown.Send);
        await WaitAsync(socket, "more comes, and the end");
        Assert.Equal(1, socket.Receive(_buffer));
        await WaitAsync(socket, "the end is told");
        Assert.Equal(0, socket.Receive(_buffer));
        await WaitAsync(socket, "and told again");
        Assert.Equal(0, socket.Receive(_buffer));
    }

    [Theory, MemberData(nameof(BothWays))]
    public async Task What_does_not_fit_is_not_waited_for(bool polled)
    {
        using var socket = Open(polled);
        await _pair.SendAsync(1, 2, 3, 4, 5, 6, 7, 8);
        Func<bool> hasArrived = () => socket.Socket.Available == 8;
        await hasArrived.Soon("all has arrived");
        await WaitAsync(socket, "something is there");
        Assert.Equal(4, socket.Receive(_buffer));
        await WaitAsync(socket, "more is there");
        Assert.Equal(4, socket.Receive(_buffer));
        Assert.Equal([5, 6, 7, 8], _buffer);
    }

    /// <summary>The point of the poller: whether that was all is not asked.</summary>
    [Fact]
    public async Task Who_has_read_less_than_fits_waits_until_something_new_comes()
    {
        if (SocketPoller.Shared is null)
            return;
        using var socket = Open(polled: true);
        for (byte i = 0; i < 100; i++)
        {
            var waiting = Begin(socket);
            Assert.False(waiting.IsCompleted);
            await _pair.SendAsync(i);
            await waiting.Soon("the wait ends");
            Assert.Equal(1, socket.Receive(_buffer));
            Assert.Equal(i, _buffer[0]);
        }
    }

    [Theory, MemberData(nameof(BothWays))]
    public async Task A_client_that_resets_ends_the_wait_and_the_reader_hears_of_it(bool polled)
    {
        using var socket = Open(polled);
        var waiting = Begin(socket);
        _pair.Client.LingerState = new LingerOption(enable: true, seconds: 0);
        _pair.Client.Dispose();
        var failure = await Assert.ThrowsAsync<SocketException>(async () =>
        {
            await waiting.Soon("the wait ends");
            socket.Receive(_buffer);
        });
        Assert.Equal(SocketError.ConnectionReset, failure.SocketErrorCode);
    }

    [Theory, MemberData(nameof(BothWays))]
    public async Task Who_closes_it_wakes_the_reader(bool polled)
    {
        var socket = Open(polled);
        var waiting = Begin(socket);
        socket.Dispose();
        socket.Dispose();
        await waiting.ContinueWith(_ => { }, TaskScheduler.Default).Soon("the wait ends");
        Assert.Throws<ObjectDisposedException>(() => socket.Receive(_buffer));
        await Assert.ThrowsAnyAsync<Exception>(async () =>
        {
            await WaitAsync(socket, "the next wait ends as well");
            socket.Receive(_buffer);
        });
    }

    [Theory, MemberData(nameof(BothWays))]
    public async Task A_wait_that_is_given_up_loses_nothing(bool polled)
    {
        using var socket = Open(polled);
        for (byte i = 0; i < 100; i++)
        {
            using var givenUp = new CancellationTokenSource();
            var waiting = socket.WaitAsync(givenUp.Token).AsTask();
            await _pair.SendAsync(i);
            await givenUp.CancelAsync();
            await waiting.ContinueWith(_ => { }, TaskScheduler.Default).Soon("the wait ends");
            while (socket.Receive(_buffer) is var count && count != 1)
            {
                Assert.Equal(-1, count);
                await WaitAsync(socket, "what was sent arrives");
            }

            Assert.Equal(i, _buffer[0]);
        }
    }

    [Fact]
    public async Task What_is_told_and_read_already_is_looked_at_once()
    {
        if (SocketPoller.Shared is null)
            return;
        using var socket = Open(polled: true);
        socket.OnReady(isLast: false);
        await WaitAsync(socket, "somebody said so");
        Assert.Equal(-1, socket.Receive(_buffer));

        var waiting = Begin(socket);
        Assert.False(waiting.IsCompleted);
        await _pair.SendAsync(9);
        await waiting.Soon("the wait ends");
        Assert.Equal(1, socket.Receive(_buffer));
    }

    /// <summary>Sockets come and go, their numbers are given again, and readers find every byte whatever comes between a read and a wait.</summary>
    [Theory, MemberData(nameof(BothWays))]
    public async Task Nothing_is_missed_by_many_that_come_and_go(bool polled)
    {
        await Task.WhenAll(Enumerable.Range(0, 8).Select(seed => Task.Run(async () =>
        {
            var random = new Random(seed);
            for (var i = 0; i < 25; i++)
            {
                using var pair = await SocketPair.OpenAsync();
                using var socket = new PolledSocket(pair.Server, polled ? SocketPoller.Shared : null);
                var sent = new byte[random.Next(1, 2_000)];
                random.NextBytes(sent);
                var sending = Task.Run(async () =>
                {
                    for (var at = 0; at < sent.Length;)
                    {
                        var count = Math.Min(random.Next(1, 9), sent.Length - at);
                        await pair.SendAsync(sent[at..(at + count)]);
                        at += count;
                    }

                    pair.Client.Shutdown(SocketShutdown.Send);
                });
                Assert.Equal(sent, await ReadAllAsync(socket));
                await sending;
            }
        })));
    }

    public async ValueTask InitializeAsync() => _pair = await SocketPair.OpenAsync();

    public ValueTask DisposeAsync()
    {
        _pair.Dispose();
        return ValueTask.CompletedTask;
    }

    [SuppressMessage("Usage", "xUnit1051", Justification = "The wait that cannot be cancelled is another one.")]
    private static Task<int> Begin(PolledSocket socket) => socket.WaitAsync().AsTask();

    private static Task<int> WaitAsync(PolledSocket socket, string what) => Begin(socket).Soon(what);

    private static async Task<List<byte>> ReadAllAsync(PolledSocket socket)
    {
        var (all, buffer) = (new List<byte>(), new byte[4]);
        while (true)
        {
            await WaitAsync(socket, $"something follows byte {all.Count}");
            var count = socket.Receive(buffer);
            if (count == 0)
                return all;
            all.AddRange(buffer[..Math.Max(count, 0)]);
        }
    }

    private PolledSocket Open(bool polled) => new(_pair.Server, polled ? SocketPoller.Shared : null);
}
