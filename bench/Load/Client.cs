namespace OrleansChat.Bench.Load;

/// <summary>One simulated client: a connection, in one room.</summary>
/// <param name="index">Its number in the run.</param>
/// <param name="room">The number of its room.</param>
/// <param name="place">Its number in the room; the first ones publish.</param>
/// <param name="user">Its user id.</param>
internal sealed class Client(int index, int room, int place, string user)
{
    public int Index => index;

    public int Room => room;

    public int Place => place;

    public string User => user;

    public int Descriptor { get; set; } = -1;

    public ClientPhase Phase { get; set; }

    /// <summary>How far the dialect's own greeting is.</summary>
    public int Step { get; set; }

    /// <summary>Null where nobody publishes.</summary>
    public DeliveryCheck? Check { get; set; }

    /// <summary>Its number among all publishers; it need not be one.</summary>
    public uint Sender { get; set; }

    /// <summary>Messages sent so far.</summary>
    public uint Sent { get; set; }

    public uint Acked { get; set; }

    /// <summary>The begin of a frame whose end has not come.</summary>
    public byte[] Rest { get; set; } = [];

    /// <summary>The fragments of a message whose end has not come.</summary>
    public byte[] Fragments { get; set; } = [];

    /// <summary>What the socket did not take.</summary>
    public byte[] Unsent { get; set; } = [];
}

/// <summary>How far a client is.</summary>
internal enum ClientPhase
{
    Connecting,

    /// <summary>Waits for the answer to its upgrade request.</summary>
    Upgrading,

    /// <summary>Speaks WebSocket; is on its way into its room.</summary>
    Entering,

    /// <summary>In its room.</summary>
    Ready,
    Closed,
}
