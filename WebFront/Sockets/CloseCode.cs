using System.Net.WebSockets;

namespace OrleansChat.WebFront.Sockets;

/// <summary>Why the server closes a connection: all its close codes but a client's own, repeated.</summary>
internal static class CloseCode
{
    /// <summary>1001: this server goes away.</summary>
    public const WebSocketCloseStatus GoingAway = WebSocketCloseStatus.EndpointUnavailable;

    /// <summary>1002: not what RFC 6455 lets a client send.</summary>
    public const WebSocketCloseStatus BrokenFraming = WebSocketCloseStatus.ProtocolError;

    /// <summary>1007: not UTF-8.</summary>
    public const WebSocketCloseStatus NotUtf8 = WebSocketCloseStatus.InvalidPayloadData;

    /// <summary>1008: keeps breaking the rate limit.</summary>
    public const WebSocketCloseStatus PolicyViolation = WebSocketCloseStatus.PolicyViolation;

    /// <summary>1009: a frame over <see cref="FrontOptions.FrameBytes"/>.</summary>
    public const WebSocketCloseStatus FrameTooLarge = WebSocketCloseStatus.MessageTooBig;

    /// <summary>1011.</summary>
    public const WebSocketCloseStatus InternalError = WebSocketCloseStatus.InternalServerError;

    /// <summary>1013: the outbox overflowed.</summary>
    public const WebSocketCloseStatus SlowConsumer = (WebSocketCloseStatus)1013;

    /// <summary>The token ran out.</summary>
    public const WebSocketCloseStatus TokenExpired = (WebSocketCloseStatus)4401;

    /// <summary>Kicked, banned or disconnected by an administrator.</summary>
    public const WebSocketCloseStatus Removed = (WebSocketCloseStatus)4403;

    /// <summary>Silent for interval + timeout.</summary>
    public const WebSocketCloseStatus HeartbeatTimeout = (WebSocketCloseStatus)4408;
}
