using System.Collections.Concurrent;
using System.Text.Json;
using OrleansChat.Tests.Support;

namespace OrleansChat.Tests.EndToEnd;

/// <summary>
/// What publishers sent to a room and what was acknowledged to them, to hold the log against after whatever happened to the servers: every acknowledged
/// message is there, at its seq, once; every other one at most once.
/// </summary>
internal sealed class AcknowledgedMessages(string room)
{
    private const int MaxUnacknowledged = 20;

    private readonly ConcurrentDictionary<string, (string UserId, long Seq)> _sent = new(StringComparer.Ordinal);
    private int _acknowledged;

    public int Count => Volatile.Read(ref _acknowledged);

    /// <summary>Publishes until the connection breaks, a few messages ahead of their acks.</summary>
    /// <param name="client">Has joined the room.</param>
    /// <param name="userId">Whose connection it is.</param>
    /// <param name="progress">Called after every ack.</param>
    public async Task PublishUntilCutAsync(ChatClient client, string userId, Action progress)
    {
        var unacknowledged = 0;
        try
        {
            for (var i = 1; ; i++)
            {
                var id = $"{userId}-{i}";
                _sent[id] = (userId, 0);
                await client.SendAsync(Publish(id));
                for (unacknowledged++; unacknowledged >= MaxUnacknowledged;)
                {
                    if (!TryTakeAck(await client.NextAsync()))
                        continue;
                    unacknowledged--;
                    progress();
                }
            }
        }
        catch (Exception e) when (e is System.Net.WebSockets.WebSocketException or System.Threading.Channels.ChannelClosedException)
        {
        }
    }

    /// <summary>Takes what arrived before the connection broke and was not looked at yet.</summary>
    public async Task TakeRestAsync(ChatClient client)
    {
        try
        {
            while (true)
                TryTakeAck(await client.NextAsync());
        }
        catch (Exception e) when (e is System.Net.WebSockets.WebSocketException or System.Threading.Channels.ChannelClosedException)
        {
        }
    }

    /// <summary>Publishes again all that this user sent, and wants the same place for what was acknowledged.</summary>
    /// <param name="client">Has joined the room.</param>
    /// <param name="userId">Whose connection it is.</param>
    public async Task RepeatAsync(ChatClient client, string userId)
    {
        foreach (var (id, sent) in _sent.Where(message => message.Value.UserId == userId).ToList())
        {
            await client.SendAsync(Publish(id));
            var ack = await client.NextAsync();
            while (!ack.GetProperty("type").ValueEquals("ack"))
                ack = await client.NextAsync($"the repeat of {id} is acknowledged");
            Assert.Equal(id, ack.GetProperty("id").GetString());
            if (sent.Seq == 0)
                _sent[id] = (userId, ack.GetProperty("seq").GetInt64());
            else
                Assert.True(JsonPattern.Matches($$"""{"type":"ack","id":"{{id}}","room":"{{room}}","seq":{{sent.Seq}},"timestamp":"*","duplicate":true}""", ack), $"{sent.Seq}: {ack.GetRawText()}");
        }
    }

    /// <summary>Holds the whole log, ascending from seq 1, against what is known.</summary>
    public void Check(IReadOnlyList<JsonElement> log)
    {
        Assert.Equal(Enumerable.Range(1, log.Count).Select(seq => (long)seq), log.Select(message => message.GetProperty("seq").GetInt64()));
        var stored = log.ToLookup(message => message.GetProperty("message").GetString()!, StringComparer.Ordinal);
        foreach (var (id, sent) in _sent)
        {
            var copies = stored[id].ToList();
            Assert.True(copies.Count <= 1, $"{id} is stored {copies.Count} times");
            if (sent.Seq == 0)
                continue;
            Assert.True(copies.Count == 1, $"{id} was acknowledged at {sent.Seq} and is lost");
            Assert.Equal((sent.Seq, sent.UserId), (copies[0].GetProperty("seq").GetInt64(), copies[0].GetProperty("userId").GetString()));
        }
    }

    private bool TryTakeAck(JsonElement frame)
    {
        if (!frame.GetProperty("type").ValueEquals("ack"))
            return false;
        var id = frame.GetProperty("id").GetString()!;
        _sent[id] = (_sent[id].UserId, frame.GetProperty("seq").GetInt64());
        Interlocked.Increment(ref _acknowledged);
        return true;
    }

    /// <summary>The text is the id, so that the log tells which message is which.</summary>
    private string Publish(string id) => $$$"""{"type":"chat_message","id":"{{{id}}}","payload":{"room":"{{{room}}}","message":"{{{id}}}"}}""";
}
