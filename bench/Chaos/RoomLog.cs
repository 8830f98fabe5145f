using System.Collections.Concurrent;
using System.Text.Json;

namespace OrleansChat.Chaos;

/// <summary>A room's log, as a client that comes for the first time is given it.</summary>
/// <param name="Epoch">Its epoch.</param>
/// <param name="Head">Its last seq.</param>
/// <param name="Entries">What came after <c>room_joined</c>, in the order in which it came.</param>
internal sealed record RoomLog(string Epoch, long Head, IReadOnlyList<(long Seq, Said Said)> Entries)
{
    /// <summary>Reads a room with <c>join_room</c>, <c>since</c> 0.</summary>
    public static async Task<RoomLog> ReadAsync(Uri front, Token token, string room, string epoch, Journal journal, Clock clock, CancellationToken cancellation)
    {
        var limit = TimeSpan.FromSeconds(60);
        for (var end = clock.Now + limit; ;)
        {
            try
            {
                return await TryReadAsync(front, token, room, epoch, journal, cancellation);
            }
            catch (Exception e) when (e is ConnectionLostException or TimeoutException && clock.Now < end)
            {
                journal.Count("readings of a log that had to begin again");
                await clock.Delay(TimeSpan.FromSeconds(0.5), cancellation);
            }
        }
    }

    private static async Task<RoomLog> TryReadAsync(Uri front, Token token, string room, string epoch, Journal journal, CancellationToken cancellation)
    {
        var frames = new ConcurrentQueue<JsonElement>();
        var complete = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var head = long.MaxValue;
        await using var connection = await Connection.OpenAsync(front, token.For("reader"), OnFrame, cancellation);
        var joined = await connection.AskAsync(
            "join", FormattableString.Invariant($$$"""{"type":"join_room","id":"join","payload":{"room":"{{{room}}}","since":0,"epoch":"{{{epoch}}}"}}"""), TimeSpan.FromSeconds(12), cancellation);
        if (joined.GetProperty("type").GetString() != "room_joined")
            throw new ConnectionLostException(inner: null);
        if (!joined.GetProperty("recovered").GetBoolean())
            journal.Violate(ViolationKind.NotRecovered, room, $"a reader asked for epoch {epoch} from its first message on and was told: {joined}");
        else if (head > 0)
            await Task.WhenAny(complete.Task, connection.Ended).WaitAsync(TimeSpan.FromSeconds(30), cancellation);
        return new RoomLog(joined.GetProperty("epoch").GetString()!, head, [.. frames.Select(Entry)]);

        void OnFrame(JsonElement frame)
        {
            switch (frame.GetProperty("type").GetString())
            {
                case "room_joined":
                    head = frame.GetProperty("seq").GetInt64();
                    break;
                case "chat_message":
                    frames.Enqueue(frame);
                    if (frame.GetProperty("seq").GetInt64() >= head)
                        complete.TrySetResult();
                    break;
            }
        }

        (long Seq, Said Said) Entry(JsonElement frame)
        {
            var (seq, text) = (frame.GetProperty("seq").GetInt64(), frame.GetProperty("message").GetString());
            if (Said.FromText(text) is { } said && said.UserId == frame.GetProperty("userId").GetString() && said.RoomName == room)
                return (seq, said);
            journal.Violate(ViolationKind.Unknown, room, FormattableString.Invariant($"the log holds at seq {seq} what nobody sent so: {text}"));
            return (seq, default);
        }
    }
}
