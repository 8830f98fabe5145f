using System.Buffers.Binary;
using System.Text;
using OrleansChat.Bench.Load.Dialects;

namespace OrleansChat.Bench.Load;

/// <summary>What clients say and hear: the upgrade, WebSocket's own frames, the dialect's records. Knows bytes, no sockets.</summary>
internal sealed class Conversation(LoadPlan plan, string run, Faults faults, Meter meter)
{
    // The example of RFC 6455 §1.3: one key will do, nothing is secured by it.
    private const string Key = "dGhlIHNhbXBsZSBub25jZQ==";
    private const string Accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

    private readonly Dialect _dialect = Dialect.Named(plan.Dialect);
    private readonly byte[] _signingKey = Encoding.UTF8.GetBytes(plan.SigningKey);
    private readonly MessageTemplate?[] _templates = new MessageTemplate?[plan.Rooms];

    /// <summary>What is to be sent to the client whose turn it is.</summary>
    public FrameSink Sink { get; } = new();

    /// <summary>Writes the request for the upgrade.</summary>
    public void Ask(Client client, ServerAddress server)
    {
        var token = _dialect.NeedsToken ? Token.Mint(_signingKey, client.User, TimeProvider.System.GetUtcNow().AddHours(12)) : "";
        var path = server.Path.Replace("{room}", RoomOf(client), StringComparison.Ordinal).Replace("{token}", token, StringComparison.Ordinal);
        var request = new StringBuilder().Append("GET ").Append(path).Append(" HTTP/1.1\r\nHost: ").Append(server.EndPoint)
            .Append("\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ").Append(Key).Append("\r\n");
        if (token.Length > 0 && !server.Path.Contains("{token}", StringComparison.Ordinal))
            request.Append("Authorization: Bearer ").Append(token).Append("\r\n");
        Sink.Raw(Encoding.ASCII.GetBytes(request.Append("\r\n").ToString()));
    }

    public void Publish(Client client, uint time)
    {
        var template = _templates[client.Room] ??= new MessageTemplate(_dialect, RoomOf(client), plan.TextBytes);
        template.Write(Sink, new Marker(client.Sender, client.Sent++, time));
        meter.OnPublished();
    }

    /// <summary>Writes the client's sign of life.</summary>
    /// <returns>False when the dialect has none.</returns>
    public bool Beat()
    {
        if (_dialect.Beat.IsEmpty)
            return false;
        Sink.Text(_dialect.Beat.Span);
        return true;
    }

    /// <summary>Takes what came for a client.</summary>
    /// <returns>How many bytes were used; the rest is the begin of a frame.</returns>
    public int Take(Client client, ReadOnlySpan<byte> bytes, LoadLoop loop)
    {
        var used = 0;
        if (client.Phase is ClientPhase.Upgrading)
        {
            used = TakeAnswer(client, bytes);
            if (used == 0)
                return 0;
        }

        var now = loop.Now;
        var frames = new FrameReader(bytes[used..]);
        while (client.Phase is not ClientPhase.Closed && frames.TryRead())
        {
            switch (frames.Opcode)
            {
                case FrameReader.Text or FrameReader.Binary when frames.IsFinal:
                    TakeMessage(client, frames.Payload, now, loop);
                    break;
                case FrameReader.Text or FrameReader.Binary or FrameReader.Continuation:
                    TakeFragment(client, frames.Payload, frames.IsFinal, now, loop);
                    break;
                case FrameReader.Ping:
                    Sink.Pong(frames.Payload);
                    break;
                case FrameReader.Close:
                    TakeClose(client, frames.Payload);
                    break;
            }
        }

        return used + frames.Consumed;
    }

    /// <summary>A connection ended that should not have.</summary>
    public void OnLost(Client client, string why)
    {
        faults.Closed++;
        faults.Note($"connection {client.Index} was lost: {why}");
    }

    private string RoomOf(Client client) => $"load-{run}-{client.Room}";

    private int TakeAnswer(Client client, ReadOnlySpan<byte> bytes)
    {
        var end = bytes.IndexOf("\r\n\r\n"u8);
        if (end < 0)
            return 0;
        var answer = Encoding.ASCII.GetString(bytes[..end]);
        if (!answer.StartsWith("HTTP/1.1 101", StringComparison.Ordinal) || !answer.Contains(Accept, StringComparison.Ordinal))
            throw new LoadException($"The server did not upgrade connection {client.Index}: {Encoding.UTF8.GetString(bytes[..Math.Min(bytes.Length, 500)])}");
        client.Phase = _dialect.Enter(client, RoomOf(client), [], Sink) ? ClientPhase.Ready : ClientPhase.Entering;
        return end + 4;
    }

    private void TakeFragment(Client client, ReadOnlySpan<byte> payload, bool isFinal, uint now, LoadLoop loop)
    {
        client.Fragments = [.. client.Fragments, .. payload];
        if (!isFinal)
            return;
        TakeMessage(client, client.Fragments, now, loop);
        client.Fragments = [];
    }

    private void TakeMessage(Client client, ReadOnlySpan<byte> message, uint now, LoadLoop loop)
    {
        if (client.Phase is ClientPhase.Entering)
        {
            meter.Others++;
            if (_dialect.Enter(client, RoomOf(client), message, Sink))
                client.Phase = ClientPhase.Ready;
            return;
        }

        for (var rest = message; !rest.IsEmpty;)
        {
            var incoming = _dialect.Read(ref rest);
            switch (incoming.Kind)
            {
                case IncomingKind.Message when client.Check?.Take(incoming.Marker, incoming.Seq) == true:
                    meter.OnDelivered(now - incoming.Marker.Time);
                    loop.Workload?.OnDelivered(loop, client, incoming.Marker);
                    break;
                case IncomingKind.Ack:
                    TakeAck(client, incoming.Marker, now);
                    break;
                case IncomingKind.Ping:
                    Sink.Text(_dialect.Pong.Span);
                    break;
                case IncomingKind.Error:
                    faults.Errors++;
                    faults.Note($"connection {client.Index} was told {Encoding.UTF8.GetString(message[..Math.Min(message.Length, 300)])}");
                    break;
                case IncomingKind.Other:
                    meter.Others++;
                    break;
            }
        }
    }

    private void TakeAck(Client client, in Marker marker, uint now)
    {
        if (marker.Sender != client.Sender || marker.Count != client.Acked)
        {
            faults.Errors++;
            faults.Note($"publisher {client.Sender} was given the ack of {marker} where that of its message {client.Acked} was due");
        }

        client.Acked++;
        meter.OnAck(now - marker.Time);
    }

    private void TakeClose(Client client, ReadOnlySpan<byte> payload)
    {
        var code = payload.Length < 2 ? "no code" : $"{BinaryPrimitives.ReadUInt16BigEndian(payload)} {Encoding.UTF8.GetString(payload[2..])}";
        faults.Note($"connection {client.Index} was closed: {code}");
        client.Phase = ClientPhase.Closed;
    }
}
