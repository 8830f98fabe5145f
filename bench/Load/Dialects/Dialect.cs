using System.Text;

namespace OrleansChat.Bench.Load.Dialects;

/// <summary>What a kind of server wants to hear and says: how a client comes into its room, what a message looks like both ways.</summary>
internal abstract class Dialect
{
    public static IReadOnlyList<string> Names { get; } = ["orleanschat", "tutorial", "signalr", "socketio", "plain"];

    /// <summary>Where the server listens, when the address does not say. <c>{room}</c> is replaced.</summary>
    public abstract string Path { get; }

    /// <summary>Whether every message is confirmed to its sender.</summary>
    public virtual bool HasAcks => false;

    /// <summary>Whether the server asks for a token.</summary>
    public virtual bool NeedsToken => false;

    /// <summary>What a client sends every 10 s so that it is not taken for dead; empty: nothing.</summary>
    public virtual ReadOnlyMemory<byte> Beat => default;

    /// <summary>The answer to the server's own kind of ping.</summary>
    public virtual ReadOnlyMemory<byte> Pong => default;

    public static Dialect Named(string name) => name switch
    {
        "orleanschat" => new OrleansChatDialect(),
        "tutorial" => new TutorialDialect(),
        "signalr" => new SignalRDialect(),
        "socketio" => new SocketIoDialect(),
        "plain" => new PlainDialect(),
        _ => throw new LoadException($"There is no dialect '{name}': {string.Join(", ", Names)}."),
    };

    /// <summary>Takes a client into its room. Called with nothing when the socket is open, then with each message until the client is in.</summary>
    /// <returns>Whether it is in.</returns>
    /// <exception cref="LoadException">The server does not let it in.</exception>
    public abstract bool Enter(Client client, string room, ReadOnlySpan<byte> message, FrameSink sink);

    /// <summary>A message to a room, with <see cref="Marker.Placeholder"/> wherever the marker goes.</summary>
    public abstract string Message(string room, string text);

    /// <summary>Reads one record out of what came, and takes it off.</summary>
    public abstract Incoming Read(ref ReadOnlySpan<byte> message);

    protected static LoadException Refused(string room, ReadOnlySpan<byte> message) =>
        new($"The server did not let a client into {room}: {Encoding.UTF8.GetString(message[..Math.Min(message.Length, 300)])}");
}

/// <summary>A record that came from the server.</summary>
/// <param name="Kind">What it means.</param>
/// <param name="Marker">Of a message or an ack.</param>
/// <param name="Seq">-1 where there is none.</param>
internal readonly record struct Incoming(IncomingKind Kind, Marker Marker = default, long Seq = -1);

/// <summary>What a record means to a run.</summary>
internal enum IncomingKind
{
    /// <summary>Presence and the like.</summary>
    Other,
    Message,
    Ack,
    Ping,
    Error,
}
