namespace OrleansChat.Bench.Load.Dialects;

/// <summary>PROTOCOL.md. Every message has an id, so every message is acknowledged; the id is the marker.</summary>
internal sealed class OrleansChatDialect : Dialect
{
    public override string Path => "/ws";

    public override bool HasAcks => true;

    public override bool NeedsToken => true;

    public override ReadOnlyMemory<byte> Pong { get; } = """{"type":"pong"}"""u8.ToArray();

    public override bool Enter(Client client, string room, ReadOnlySpan<byte> message, FrameSink sink)
    {
        switch (ChatFrame.TypeOf(message))
        {
            case ChatFrameType.Connected:
                sink.Text(System.Text.Encoding.UTF8.GetBytes(ChatFrame.Join(room)));
                return false;
            case ChatFrameType.RoomJoined:
                if (client.Check is { } check)
                    check.Seq = ChatFrame.SeqOf(message);
                return true;
            case ChatFrameType.Error or ChatFrameType.Reconnect:
                throw Refused(room, message);
            default:
                return false;
        }
    }

    public override string Message(string room, string text) =>
        $$$"""{"type":"chat_message","id":"{{{Marker.Placeholder}}}","payload":{"room":"{{{room}}}","message":"{{{text}}}"}}""";

    public override Incoming Read(ref ReadOnlySpan<byte> message)
    {
        var frame = message;
        message = default;
        switch (ChatFrame.TypeOf(frame))
        {
            case ChatFrameType.Message:
                return Marker.TryFind(frame, out var marker) ? new Incoming(IncomingKind.Message, marker, ChatFrame.SeqOf(frame)) : default;
            case ChatFrameType.Ack:
                return Marker.TryFind(frame, out marker) ? new Incoming(IncomingKind.Ack, marker) : default;
            case ChatFrameType.Ping:
                return new Incoming(IncomingKind.Ping);
            case ChatFrameType.Error or ChatFrameType.Reconnect:
                return new Incoming(IncomingKind.Error);

            // A client is in one room and joins once: told so again, the server lost its place in the log.
            case ChatFrameType.RoomJoined:
                return new Incoming(IncomingKind.Error);
            default:
                return default;
        }
    }
}
