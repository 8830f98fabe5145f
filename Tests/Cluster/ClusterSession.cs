using System.Text;
using System.Text.Json;
using System.Threading.Channels;
using OrleansChat.Tests.Fronts;
using OrleansChat.Tests.Support;
using OrleansChat.WebFront;
using OrleansChat.WebFront.Sockets;

namespace OrleansChat.Tests.Cluster;

/// <summary>A session, and what its client reads.</summary>
internal sealed class ClusterSession
{
    private readonly Channel<JsonElement> _frames = Channel.CreateUnbounded<JsonElement>();
    private readonly List<JsonElement> _passed = [];

    public ClusterSession(Session session)
    {
        Session = session;
        session.Connection.Outbox.Start(new SocketWriter(new Wire(_frames.Writer), socket: null));
    }

    public Session Session { get; }

    public Task SendAsync(string json) => Session.ReceiveAsync(Encoding.UTF8.GetBytes(json)).AsTask().Soon("a frame is taken");

    /// <summary>Says something, and says it again with the same id for as long as the answer is <c>unavailable</c>.</summary>
    /// <returns>The <c>ack</c>.</returns>
    public async Task<string> SayAsync(string room, string text, string id)
    {
        while (true)
        {
            if (await TrySayAsync(room, text, id) is { } ack)
                return ack;
        }
    }

    /// <summary>Says something once.</summary>
    /// <returns>The <c>ack</c>; null: <c>unavailable</c>.</returns>
    public async Task<string?> TrySayAsync(string room, string text, string id)
    {
        await SendAsync($$$"""{"type":"chat_message","id":"{{{id}}}","payload":{"room":"{{{room}}}","message":"{{{text}}}"}}""");
        var answer = await NextAsync(frame => Text(frame, "type") is "ack" or "error" && Text(frame, "id") == id, "the message is answered");
        if (Text(answer, "type") == "ack")
            return answer.GetRawText();
        Assert.Equal("unavailable", Text(answer, "code"));
        return null;
    }

    /// <summary>The next frame of a type.</summary>
    public Task<JsonElement> NextAsync(string type, string what) => NextAsync(frame => Text(frame, "type") == type, what);

    /// <summary>The next frame that is wanted, in the order of arrival; what comes before it stays to be asked for.</summary>
    public async Task<JsonElement> NextAsync(Predicate<JsonElement> wanted, string what)
    {
        for (var i = 0; ; i++)
        {
            if (i == _passed.Count)
                _passed.Add(await _frames.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().Soon(what));
            var frame = _passed[i];
            if (!wanted(frame))
                continue;
            _passed.RemoveAt(i);
            return frame;
        }
    }

    /// <summary>What is said in the rooms from now on, up to a seq of each: "seq text", in the order of arrival.</summary>
    public async Task<Dictionary<string, List<string>>> ReadToAsync(IReadOnlyDictionary<string, long> heads)
    {
        var seen = heads.Keys.ToDictionary(room => room, _ => new List<string>(), StringComparer.Ordinal);
        var missing = heads.Where(head => head.Value > 0).ToDictionary(StringComparer.Ordinal);
        while (missing.Count > 0)
        {
            var frame = await NextAsync(
                frame => Text(frame, "type") is "chat_message" or "room_joined", $"the rest is delivered: {string.Join(", ", missing.Select(room => $"{room.Key} to {room.Value}"))}");
            Assert.Equal("chat_message", Text(frame, "type")); // An unasked room_joined tells of a hole.
            var (room, seq) = (Text(frame, "room")!, frame.GetProperty("seq").GetInt64());
            seen[room].Add($"{seq} {Text(frame, "message")}");
            if (seq == heads[room])
                missing.Remove(room);
        }

        return seen;
    }

    private static string? Text(JsonElement frame, string name) => frame.TryGetProperty(name, out var value) ? value.GetString() : null;

    /// <summary>The socket.</summary>
    private sealed class Wire(ChannelWriter<JsonElement> frames) : Stream
    {
        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            foreach (var text in TestSession.Split(buffer.ToArray()).Where(text => text.StartsWith('{')))
                frames.TryWrite(JsonElement.Parse(text));
            return ValueTask.CompletedTask;
        }

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
