using System.Text.Json;

namespace OrleansChat.Chaos;

/// <summary>What one client says in one room: every message until it is acknowledged, under one id, however often that takes.</summary>
/// <param name="client">Who.</param>
/// <param name="number">The client's number.</param>
/// <param name="room">The room's number.</param>
/// <param name="inOrder">Whether it waits for each ack before the next message; otherwise up to four are on their way.</param>
/// <param name="interval">The mean time from one message to the next.</param>
/// <param name="journal">Is told what was sent and acknowledged.</param>
/// <param name="clock">The run's.</param>
internal sealed class Lane(ChaosClient client, int number, int room, bool inOrder, TimeSpan interval, Journal journal, Clock clock)
{
    private const int InFlight = 4;

    /// <summary>Longer than the server allows itself (7 s).</summary>
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(12);

    private readonly List<Said> _acknowledged = [];

    /// <param name="talk">Ends the talk; what is under way is still brought to its ack.</param>
    /// <param name="stop">Ends everything.</param>
    public async Task RunAsync(CancellationToken talk, CancellationToken stop)
    {
        var underWay = new List<Task>();
        for (var count = 1; !talk.IsCancellationRequested; count++)
        {
            await clock.Delay(interval * (0.5 + Random.Shared.NextDouble()), talk).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (talk.IsCancellationRequested)
                break;
            underWay.RemoveAll(task => task.IsCompletedSuccessfully);
            underWay.Add(PublishAsync(new Said(number, room, count), stop));
            await (inOrder ? underWay[^1] : underWay.Count < InFlight ? Task.CompletedTask : Task.WhenAny(underWay));
        }

        await Task.WhenAll(underWay);
    }

    private async Task PublishAsync(Said said, CancellationToken stop)
    {
        journal.OnSent(said, inOrder);
        await UntilAcknowledgedAsync(said, stop);
        Said? again = null;
        lock (_acknowledged)
        {
            _acknowledged.Add(said);
            if (Random.Shared.Next(25) == 0)
                again = _acknowledged[Random.Shared.Next(Math.Max(0, _acknowledged.Count - 20), _acknowledged.Count)];
        }

        // As a client does that did not hear the ack: it must be told the same place, and nothing may come of it.
        if (again is { } repeat)
            await UntilAcknowledgedAsync(repeat, stop);
    }

    private async Task UntilAcknowledgedAsync(Said said, CancellationToken stop)
    {
        var json = $$$"""{"type":"chat_message","id":"{{{said.Id}}}","payload":{"room":"{{{said.RoomName}}}","message":"{{{said.Text}}}"}}""";
        while (true)
        {
            try
            {
                var connection = await client.InRoomAsync(room, stop);
                if (Take(said, await connection.AskAsync(said.Id, json, AnswerLimit, stop)))
                    return;
                await clock.Delay(TimeSpan.FromMilliseconds(50 + Random.Shared.Next(150)), stop);
            }
            catch (ConnectionLostException)
            {
                journal.Count("messages sent again because the connection was lost");
                await clock.Delay(TimeSpan.FromMilliseconds(20), stop);
            }
            catch (TimeoutException)
            {
                journal.Count($"messages not answered within {AnswerLimit.TotalSeconds} s");
            }
        }
    }

    /// <returns>Whether that was its ack.</returns>
    private bool Take(Said said, JsonElement answer)
    {
        if (answer.GetProperty("type").GetString() == "ack")
        {
            journal.OnAck(said, new Ack(answer.GetProperty("seq").GetInt64(), answer.GetProperty("timestamp").GetInt64()));
            return true;
        }

        var code = answer.GetProperty("code").GetString();
        journal.Count($"messages answered '{code}'");
        if (code != "unavailable")
            journal.Violate(ViolationKind.Refused, said.RoomName, $"{said.UserId} may not say id {said}: {answer}");
        return false;
    }
}
