using System.Globalization;
using OrleansChat.Tests.Support;

namespace OrleansChat.Tests.Abuse;

/// <summary>Connections that end without a word.</summary>
public sealed class AbortedTests
{
    private const int Many = 500;

    [Fact]
    public async Task Five_hundred_resets_in_the_middle_of_frames_leave_no_ghosts_and_no_sockets()
    {
        var room = new AbusedRoom();
        await room.InitializeAsync();
        await using var end = room;
        byte[] half = [.. RawSocket.Frame(RawSocket.Text, """{"type":"join_room","payload":{"room":"calm"}}"""), .. RawSocket.Frame(RawSocket.Text, """{"type":"ping"}""").AsSpan(0, 9)];
        await Parallel.ForEachAsync(Enumerable.Range(0, Many), new ParallelOptions { MaxDegreeOfParallelism = 50 }, async (i, _) =>
        {
            var socket = await RawSocket.UpgradeAsync(room.App.Address, room.NewUser());
            await socket.SendAsync(half);
            if (i % 2 == 0)
                await socket.UntilAsync("\"room_joined\"");
            socket.Reset();
        });

        await AloneAsync(room).Soon("only Alice and Bob are members");
        await ClosedAsync(room, open: 2).Soon("only Alice's and Bob's sockets are open");
        await room.IsUndisturbedAsync();
    }

    [Fact]
    public async Task The_limit_of_connections_is_exact_under_a_rush_and_after_resets()
    {
        const int limit = 10;
        var room = new FullRoom();
        await room.InitializeAsync();
        await using var end = room;
        for (var round = 0; round < 3; round++)
        {
            var sockets = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => RawSocket.ConnectAsync(room.App.Address)));
            var heads = await Task.WhenAll(sockets.Select(async socket =>
            {
                await socket.SendAsync(RawSocket.Handshake(room.App.Address, room.NewUser()));
                return await socket.ReadHeadAsync();
            }));
            Assert.Equal(limit - 2, heads.Count(head => head.StartsWith("HTTP/1.1 101 ", StringComparison.Ordinal)));
            Assert.Equal(50 - limit + 2, heads.Count(head => head.StartsWith("HTTP/1.1 503 ", StringComparison.Ordinal) && head.Contains("Retry-After: ", StringComparison.Ordinal)));
            foreach (var socket in sockets)
                socket.Reset();
            await ClosedAsync(room, open: 2).Soon("only Alice's and Bob's sockets are open");
            await IsFreeAsync(room).Soon("the places are free again");
            await ClosedAsync(room, open: 2).Soon("only Alice's and Bob's sockets are open");
        }

        await room.IsUndisturbedAsync();
    }

    /// <summary>Asks until the room has two members.</summary>
    private static async Task AloneAsync(AbusedRoom room)
    {
        while (true)
        {
            await room.Alice.SendAsync("""{"type":"members","id":"m","payload":{"room":"calm"}}""");
            var answer = await room.Alice.UntilAsync("""{"type":"members","id":"m","room":"calm","members":"*","users":"*","more":"*"}""");
            if (answer.GetProperty("members").GetInt32() == 2)
                return;
        }
    }

    /// <summary>Asks until all places but Alice's and Bob's can be taken at once.</summary>
    private static async Task IsFreeAsync(AbusedRoom room)
    {
        for (var taken = new List<RawSocket>(); ; taken.Clear())
        {
            for (var i = 0; i < 8; i++)
            {
                var socket = await RawSocket.ConnectAsync(room.App.Address);
                taken.Add(socket);
                await socket.SendAsync(RawSocket.Handshake(room.App.Address, room.NewUser()));
                if (!(await socket.ReadHeadAsync()).StartsWith("HTTP/1.1 101 ", StringComparison.Ordinal))
                    break;
            }

            var isFree = taken.Count == 8;
            foreach (var socket in taken)
                socket.Reset();
            if (isFree)
                return;
        }
    }

    private static async Task ClosedAsync(AbusedRoom room, int open)
    {
        while (ServerSockets(room.App.Address.Port) > open)
            await room.Alice.AllUntilPongAsync();
    }

    /// <summary>This process' sockets on the server's side, but for the listening one and those that are the kernel's alone.</summary>
    private static int ServerSockets(int port)
    {
        const string listening = "0A", timeWait = "06";
        var local = ":" + port.ToString("X4", CultureInfo.InvariantCulture);
        return File.ReadLines("/proc/self/net/tcp").Skip(1)
            .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Count(fields => fields[1].EndsWith(local, StringComparison.Ordinal) && fields[3] is not (listening or timeWait) && fields[9] != "0");
    }

    private sealed class FullRoom : AbusedRoom
    {
        protected override (string Key, string Value)[] Settings => [("Chat:Connections", "10")];
    }
}
