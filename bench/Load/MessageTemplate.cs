using System.Text;
using OrleansChat.Bench.Load.Dialects;

namespace OrleansChat.Bench.Load;

/// <summary>A message to one room, ready but for the markers.</summary>
internal sealed class MessageTemplate
{
    private readonly byte[] _bytes;
    private readonly int[] _markers;

    public MessageTemplate(Dialect dialect, string room, int textBytes)
    {
        var text = Marker.Placeholder + new string('x', textBytes - Marker.Length);
        _bytes = Encoding.UTF8.GetBytes(dialect.Message(room, text));
        var markers = new List<int>();
        var placeholder = Encoding.ASCII.GetBytes(Marker.Placeholder);
        for (var at = _bytes.AsSpan().IndexOf(placeholder); at >= 0;)
        {
            markers.Add(at);
            var next = _bytes.AsSpan(at + Marker.Length).IndexOf(placeholder);
            at = next < 0 ? -1 : at + Marker.Length + next;
        }

        _markers = [.. markers];
    }

    public void Write(FrameSink sink, in Marker marker)
    {
        var payload = sink.Begin(_bytes.Length);
        _bytes.CopyTo(payload);
        foreach (var at in _markers)
            marker.Write(payload[at..]);
        sink.End();
    }
}
