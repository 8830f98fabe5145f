using System.Collections.Concurrent;
using System.Text.Json.Nodes;

namespace OrleansChat.Chaos;

/// <summary>Faults that the product does not have, injected between it and the clients so that the checker can show that it finds them.</summary>
internal enum Break
{
    /// <summary>A message is acknowledged and never reaches the front.</summary>
    AckBeforeAppend,

    /// <summary>A client is not given one message.</summary>
    SkipSeq,

    /// <summary>A client is given one message twice.</summary>
    Duplicate,

    /// <summary>A client is given two messages the other way round.</summary>
    Reorder,

    /// <summary>A message is stored twice.</summary>
    AppendTwice,

    /// <summary>A client is given another text at one seq.</summary>
    Diverge,
}

/// <summary>Rewrites the frames that pass between clients and fronts: now and then one is made wrong, each way in turn.</summary>
internal sealed class FrameBreaker(IReadOnlyList<Break> breaks)
{
    private const int EveryOutgoing = 20;
    private const int EveryIncoming = 60;

    private static readonly Break[] Outgoing = [Break.AckBeforeAppend, Break.AppendTwice];

    private readonly Break[] _outgoing = [.. breaks.Where(Outgoing.Contains)];
    private readonly Break[] _incoming = [.. breaks.Except(Outgoing)];
    private readonly ConcurrentDictionary<string, long> _heads = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, string> _swallowed = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, bool> _passed = new(StringComparer.Ordinal);
    private int _sent;
    private int _received;

    /// <summary>A client's frame, on its way to a front.</summary>
    /// <returns>What goes on, and what is answered in the front's place.</returns>
    public (string[] Onward, string[] Back) ToFront(string text)
    {
        if (_outgoing.Length == 0 || !text.Contains("\"chat_message\"", StringComparison.Ordinal))
            return ([text], []);
        var (id, room) = (Field(text, "id"), (string)JsonNode.Parse(text)!["payload"]!["room"]!);
        if (_swallowed.TryGetValue(id, out var told))
            return ([], [told]);
        if (!_passed.TryAdd(id, true))
            return ([text], []);
        var turn = Interlocked.Increment(ref _sent);
        if (turn % EveryOutgoing != 0)
            return ([text], []);
        if (_outgoing[turn / EveryOutgoing % _outgoing.Length] == Break.AppendTwice)
            return ([text, text.Replace($"\"id\":\"{id}\"", $"\"id\":\"{id}-again\"", StringComparison.Ordinal)], []);
        return ([], [_swallowed[id] = ForgedAck(id, room)]);
    }

    /// <summary>A front's frame, on its way to a client.</summary>
    /// <param name="text">The frame.</param>
    /// <param name="held">One that was held back on this connection; null where none is.</param>
    public string[] ToClient(string text, ref string? held)
    {
        if (!text.Contains("\"chat_message\"", StringComparison.Ordinal))
            return [text];
        var frame = JsonNode.Parse(text)!;
        _heads[(string)frame["room"]!] = (long)frame["seq"]!;
        if (held is { } before)
        {
            if ((string)JsonNode.Parse(before)!["room"]! != (string)frame["room"]!)
                return [text];
            held = null;
            return [text, before];
        }

        if (_incoming.Length == 0 || Interlocked.Increment(ref _received) is var turn && turn % EveryIncoming != 0)
            return [text];
        switch (_incoming[turn / EveryIncoming % _incoming.Length])
        {
            case Break.SkipSeq:
                return [];
            case Break.Duplicate:
                return [text, text];
            case Break.Reorder:
                held = text;
                return [];
            default:
                frame["message"] = (string)frame["message"]! + "0"; // A count that is another one's.
                return [frame.ToJsonString()];
        }
    }

    private string ForgedAck(string id, string room) =>
        FormattableString.Invariant($$"""{"type":"ack","id":"{{id}}","room":"{{room}}","seq":{{_heads.GetValueOrDefault(room) + 1}},"timestamp":0}""");

    private static string Field(string text, string name) => (string)JsonNode.Parse(text)![name]!;
}
