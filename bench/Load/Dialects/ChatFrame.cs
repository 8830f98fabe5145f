namespace OrleansChat.Bench.Load.Dialects;

/// <summary>Looks into the chat's JSON frames by scanning: a parser would cost more than all else here.</summary>
internal static class ChatFrame
{
    public static string Join(string room) => $$$"""{"type":"join_room","payload":{"room":"{{{room}}}"}}""";

    public static ChatFrameType TypeOf(ReadOnlySpan<byte> frame)
    {
        if (frame.StartsWith("{\"type\":\"chat_message\""u8))
            return ChatFrameType.Message;
        var start = frame.IndexOf("\"type\":"u8);
        if (start < 0)
            return ChatFrameType.Other;
        var type = frame[(start + 7)..].TrimStart((byte)' ');
        if (!type.StartsWith("\""u8))
            return ChatFrameType.Other;
        type = type[1..];
        return type switch
        {
            _ when type.StartsWith("chat_message\""u8) => ChatFrameType.Message,
            _ when type.StartsWith("ack\""u8) => ChatFrameType.Ack,
            _ when type.StartsWith("ping\""u8) => ChatFrameType.Ping,
            _ when type.StartsWith("error\""u8) => ChatFrameType.Error,
            _ when type.StartsWith("connected\""u8) => ChatFrameType.Connected,
            _ when type.StartsWith("room_joined\""u8) => ChatFrameType.RoomJoined,
            _ when type.StartsWith("reconnect\""u8) => ChatFrameType.Reconnect,
            _ => ChatFrameType.Other,
        };
    }

    /// <returns>The first <c>seq</c>; 0, which follows nothing, where there is none.</returns>
    public static long SeqOf(ReadOnlySpan<byte> frame)
    {
        var start = frame.IndexOf("\"seq\":"u8);
        if (start < 0)
            return 0;
        long seq = 0;
        foreach (var letter in frame[(start + 6)..])
        {
            if (letter is (byte)' ' && seq == 0)
                continue;
            if (letter is < (byte)'0' or > (byte)'9')
                break;
            seq = (seq * 10) + letter - '0';
        }

        return seq;
    }
}

/// <summary>The types that a run tells apart.</summary>
internal enum ChatFrameType
{
    Other,
    Message,
    Ack,
    Ping,
    Error,
    Connected,
    RoomJoined,
    Reconnect,
}
