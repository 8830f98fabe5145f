namespace OrleansChat.Bench.Load.Dialects;

/// <summary>A server that sends every message, as it is, to all connections of the room that the address named, the sender's too.</summary>
internal sealed class PlainDialect : Dialect
{
    public override string Path => "/?room={room}";

    public override bool Enter(Client client, string room, ReadOnlySpan<byte> message, FrameSink sink) => true;

    // As large as what the chat's clients send, id and all: the same bytes for either server to read.
    public override string Message(string room, string text) =>
        $$$"""{"type":"chat_message","payload":{"room":"{{{room}}}","message":"{{{text}}}"}}""";

    public override Incoming Read(ref ReadOnlySpan<byte> message)
    {
        var isMessage = Marker.TryFind(message, out var marker);
        message = default;
        return isMessage ? new Incoming(IncomingKind.Message, marker) : default;
    }
}
