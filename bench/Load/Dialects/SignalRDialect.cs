using System.Text;

namespace OrleansChat.Bench.Load.Dialects;

/// <summary>
/// SignalR's JSON hub protocol over a WebSocket, without negotiation. The hub has <c>JoinRoom(room)</c> and <c>SendMessage(room, message)</c>;
/// whatever it invokes on its clients with the text in it is a message.
/// </summary>
internal sealed class SignalRDialect : Dialect
{
    private const byte Separator = 0x1E;

    public override string Path => "/chat";

    public override ReadOnlyMemory<byte> Beat { get; } = "{\"type\":6}\u001e"u8.ToArray();

    public override bool Enter(Client client, string room, ReadOnlySpan<byte> message, FrameSink sink)
    {
        if (client.Step == 0)
        {
            client.Step = 1;
            sink.Text("{\"protocol\":\"json\",\"version\":1}\u001e"u8);
            return false;
        }

        while (message.IndexOf(Separator) is var end and >= 0)
        {
            var record = message[..end];
            message = message[(end + 1)..];
            if (record.IndexOf("\"error\""u8) >= 0)
                throw Refused(room, record);
            if (client.Step == 1)
            {
                client.Step = 2;
                sink.Text(Encoding.UTF8.GetBytes($$$"""{"type":1,"invocationId":"0","target":"JoinRoom","arguments":["{{{room}}}"]}""" + (char)Separator));
            }
            else if (record.StartsWith("{\"type\":3,"u8))
            {
                return true;
            }
        }

        return false;
    }

    // Without an invocation id, as connection.send() does: the hub does not answer.
    public override string Message(string room, string text) =>
        $$$"""{"type":1,"target":"SendMessage","arguments":["{{{room}}}","{{{text}}}"]}""" + (char)Separator;

    public override Incoming Read(ref ReadOnlySpan<byte> message)
    {
        var end = message.IndexOf(Separator);
        var record = end < 0 ? message : message[..end];
        message = end < 0 ? default : message[(end + 1)..];
        if (record.StartsWith("{\"type\":1,"u8) && Marker.TryFind(record, out var marker))
            return new Incoming(IncomingKind.Message, marker);
        var isClose = record.StartsWith("{\"type\":7"u8);
        return new Incoming(isClose || record.IndexOf("\"error\""u8) >= 0 ? IncomingKind.Error : IncomingKind.Other);
    }
}
