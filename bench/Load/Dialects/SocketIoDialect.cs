using System.Text;

namespace OrleansChat.Bench.Load.Dialects;

/// <summary>
/// Socket.IO 4 over Engine.IO's WebSocket transport. The server acknowledges <c>join_room</c> (a room) and hands on <c>chat_message</c>
/// (<c>{room, message}</c>) to everyone in the room, the sender too.
/// </summary>
internal sealed class SocketIoDialect : Dialect
{
    public override string Path => "/socket.io/?EIO=4&transport=websocket";

    public override ReadOnlyMemory<byte> Pong { get; } = "3"u8.ToArray();

    public override bool Enter(Client client, string room, ReadOnlySpan<byte> message, FrameSink sink)
    {
        // 0: Engine.IO is open. 40: connect to, or connected to, the default namespace. 42N: event that wants ack N. 43N: the ack. 44: refused.
        if (message.StartsWith("0"u8))
            sink.Text("40"u8);
        else if (message.StartsWith("40"u8))
            sink.Text(Encoding.UTF8.GetBytes($"""420["join_room","{room}"]"""));
        else if (message.StartsWith("2"u8))
            sink.Text(Pong.Span);
        else if (message.StartsWith("44"u8))
            throw Refused(room, message);
        return message.StartsWith("430"u8);
    }

    public override string Message(string room, string text) => $$$"""42["chat_message",{"room":"{{{room}}}","message":"{{{text}}}"}]""";

    public override Incoming Read(ref ReadOnlySpan<byte> message)
    {
        var packet = message;
        message = default;
        if (packet.StartsWith("42"u8))
            return Marker.TryFind(packet, out var marker) ? new Incoming(IncomingKind.Message, marker) : default;
        if (packet.SequenceEqual("2"u8))
            return new Incoming(IncomingKind.Ping);
        var isEnd = packet.StartsWith("41"u8) || packet.StartsWith("44"u8);
        return new Incoming(isEnd ? IncomingKind.Error : IncomingKind.Other);
    }
}
