using System.Text;
using CsCheck;
using OrleansChat.Tests.Support;

namespace OrleansChat.Tests.Abuse;

/// <summary>Good frames, made bad at random: whatever comes, there is an answer or a close code that says whose fault it is, and it is never the server's.</summary>
public sealed class FuzzTests(AbusedRoom room) : IClassFixture<AbusedRoom>
{
    private static readonly string[] Good =
    [
        """{"type":"join_room","id":"1","payload":{"room":"calm","since":0,"epoch":"0123456789abcdef"}}""",
        """{"type":"join_room","payload":{"room":"Grüße-日本","history":10}}""",
        """{"type":"leave_room","id":"2","payload":{"room":"calm"}}""",
        """{"type":"chat_message","id":"3","payload":{"room":"calm","message":"\ud83d\ude00 \"hello\" \\ €"}}""",
        """{"type":"typing","payload":{"room":"calm","isTyping":true}}""",
        """{"type":"history","id":"4","payload":{"room":"calm","before":10,"limit":5}}""",
        """{"type":"history","id":"5","payload":{"room":"calm","after":1}}""",
        """{"type":"members","id":"6","payload":{"room":"calm","limit":10,"after":"alice"}}""",
        """{"type":"refresh_token","id":"7","payload":{"token":"eyJhbGciOiJIUzI1NiJ9.e30.c2ln"}}""",
        """{"type":"broadcast","id":"8","payload":{"message":"m","includeIds":["a"],"excludeIds":["b"]}}""",
        """{"type":"ping","id":"9"}""",
        """{"type":"pong"}""",
    ];

    private static readonly Gen<byte[]> Pieces = OneOf(
        "\"", "\\", "{", "}", "[", "]", ":", ",", "null", "true", "-1", "0", "1e999", "9223372036854775807", "\\ud800", "\\u0000", "\0", "\n", "€", "😀", "\"id\":\"x\",", "\"payload\":{},", "\"room\":1,", "[[[[[[[[")
        .Select(text => Encoding.UTF8.GetBytes(text));

    /// <summary>A place (in thousandths of the length), how much is cut out there, and what is put in instead.</summary>
    private static readonly Gen<(int At, int Cut, byte[] Put)> Change =
        Gen.Select(Gen.Int[0, 1_000], Gen.Frequency((3, Gen.Const(0)), (2, Gen.Int[1, 3]), (1, Gen.Int[4, 60])), Gen.Frequency((4, Pieces), (1, Gen.Byte.Array[0, 3])));

    private static readonly Gen<byte[]> Bad =
        Gen.Select(OneOf(Good), Change.Array[0, 4], (json, changes) => changes.Aggregate(Encoding.UTF8.GetBytes(json), Apply));

    [Fact]
    public async Task A_frame_made_bad_is_answered_or_closed_with_1007()
    {
        await Bad.SampleAsync(IsTakenAsync, iter: 400, threads: 1, print: bytes => Convert.ToHexString(bytes));
        await room.IsUndisturbedAsync();
    }

    [Fact]
    public async Task Bytes_made_bad_with_their_framing_are_answered_or_closed_by_the_rules()
    {
        var broken = Gen.Select(Bad.Array[1, 3], OneOf<byte>(0x81, 0x82, 0x01, 0x80, 0x88, 0x89), Change.Array[1, 3], (messages, first, changes) =>
            changes.Aggregate(messages.SelectMany(message => RawSocket.Frame(first, message)).ToArray(), Apply));
        await broken.SampleAsync(EndsAsync, iter: 200, threads: 1, print: bytes => Convert.ToHexString(bytes));
        await room.IsUndisturbedAsync();
    }

    private async Task IsTakenAsync(byte[] message)
    {
        await using var socket = await RawSocket.UpgradeAsync(room.App.Address, room.NewUser());
        await socket.SayAsync($$$"""{"type":"join_room","payload":{"room":"{{{AbusedRoom.Room}}}"}}""");
        await socket.SendAsync(RawSocket.Frame(RawSocket.Text, message));
        await socket.SendAsync(RawSocket.Frame(RawSocket.Close, [0x03, 0xE8]));
        var all = await socket.ReadToEndAsync();
        Assert.Contains(all[^1].CloseCode, (int[])[1000, 1007]);
        IsNobodysFault(all);
    }

    private async Task EndsAsync(byte[] bytes)
    {
        await using var socket = await RawSocket.UpgradeAsync(room.App.Address, room.NewUser());
        await socket.SendAsync(bytes);
        socket.FinishSending();
        var all = await socket.ReadToEndAsync();
        if (all is [.., { First: RawSocket.Close } close])
            Assert.Contains(close.CloseCode, (int[])[1000, 1001, 1002, 1003, 1005, 1007, 1009, .. Enumerable.Range(3_000, 2_000)]);
        IsNobodysFault(all);
    }

    private static void IsNobodysFault(List<RawFrame> all) => Assert.DoesNotContain(all, frame => frame.Payload.Contains("\"code\":\"internal\"", StringComparison.Ordinal));

    private static Gen<T> OneOf<T>(params T[] all) => Gen.Int[0, all.Length - 1].Select(i => all[i]);

    private static byte[] Apply(byte[] bytes, (int At, int Cut, byte[] Put) change)
    {
        var at = bytes.Length * change.At / 1_000;
        return [.. bytes[..at], .. change.Put, .. bytes[Math.Min(bytes.Length, at + change.Cut)..]];
    }
}
