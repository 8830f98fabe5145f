namespace OrleansChat.Bench.Load.Dialects;

/// <summary>The tutorial's own server: the chat's frames without ids, acknowledgements and seqs.</summary>
internal sealed class TutorialDialect : Dialect
{
    public override string Path => "/ws";

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
                return true;
            case ChatFrameType.Error:
                throw Refused(room, message);
            default:
                return false;
        }
    }

    public override string Message(string room, string text) =>
        $$$"""{"type":"chat_message","payload":{"room":"{{{room}}}","message":"{{{text}}}"}}""";

    public override Incoming Read(ref ReadOnlySpan<byte> message)
    {
        var frame = message;
        message = default;
        return ChatFrame.TypeOf(frame) switch
        {
            ChatFrameType.Message when Marker.TryFind(frame, out var marker) => new Incoming(IncomingKind.Message, marker),
            ChatFrameType.Ping => new Incoming(IncomingKind.Ping),
            ChatFrameType.Error => new Incoming(IncomingKind.Error),
            _ => default,
        };
    }
}
