using System.ComponentModel.DataAnnotations;

namespace OrleansChat.WebFront;

/// <summary>What a front reads from the configuration section <c>Chat</c>. A value out of range stops the process at start.</summary>
internal sealed record FrontOptions : IValidatableObject
{
    /// <summary>The configuration section.</summary>
    public const string Section = "Chat";

    /// <summary>The longest text, in UTF-16 code units. Default 1,000. A longer one is answered <c>message_too_long</c>.</summary>
    [Range(1, 100_000, ErrorMessage = "Chat:MessageChars must be 1 to 100,000 UTF-16 code units.")]
    public int MessageChars { get; init; } = 1_000;

    /// <summary>The largest frame from a client, in bytes, all fragments together. Default 16,384. A larger one closes the connection with 1009.</summary>
    [Range(1_024, 1_048_576, ErrorMessage = "Chat:FrameBytes must be 1,024 to 1,048,576 bytes.")]
    public int FrameBytes { get; init; } = 16_384;

    /// <summary>Frames a second that one connection may send on average. Default 20, 0 = no limit. What exceeds it is answered <c>rate_limited</c>; 50 refusals within 10 s close with 1008.</summary>
    [Range(0, 1_000_000, ErrorMessage = "Chat:MessagesPerSecond must be 0 (no limit) to 1,000,000 frames a second.")]
    public int MessagesPerSecond { get; init; } = 20;

    /// <summary>Frames that one connection may send at once. Default 40, 0 = no limit.</summary>
    [Range(0, 1_000_000, ErrorMessage = "Chat:MessageBurst must be 0 (no limit) to 1,000,000 frames.")]
    public int MessageBurst { get; init; } = 40;

    /// <summary>Bytes that may wait for one socket. Default 1 MiB. A client that reads too slowly is closed with 1013 when they are full.</summary>
    [Range(16_384, 1_073_741_824, ErrorMessage = "Chat:OutboxBytes must be 16,384 to 1,073,741,824 bytes.")]
    public int OutboxBytes { get; init; } = 1_048_576;

    /// <summary>After so much silence of a client it is pinged. Default 30 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "01:00:00", ErrorMessage = "Chat:HeartbeatInterval must be a time span from 00:00:00.1 to 01:00:00.")]
    public TimeSpan HeartbeatInterval { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>A client that is silent for so much longer is closed with 4408. Default 10 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "01:00:00", ErrorMessage = "Chat:HeartbeatTimeout must be a time span from 00:00:00.1 to 01:00:00.")]
    public TimeSpan HeartbeatTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How often a front renews its claim to a room or user; the claim ends after three times that. Default 15 s. Shorter: ghosts of a killed front go sooner, for more calls.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:15:00", ErrorMessage = "Chat:LeaseRenewal must be a time span from 00:00:00.1 to 00:15:00.")]
    public TimeSpan LeaseRenewal { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Rooms that one connection may be in. Default 100. One more is answered <c>too_many_rooms</c>.</summary>
    [Range(1, 10_000, ErrorMessage = "Chat:RoomsPerConnection must be 1 to 10,000 rooms.")]
    public int RoomsPerConnection { get; init; } = 100;

    /// <summary>Connections of this front. Default 0 = no limit. One more is answered 503.</summary>
    [Range(0, 10_000_000, ErrorMessage = "Chat:Connections must be 0 (no limit) to 10,000,000 connections.")]
    public int Connections { get; init; }

    /// <summary>Web pages that may connect: origins such as <c>https://chat.example.org</c>, or <c>*</c> for all. Default: the same host only.</summary>
    public IReadOnlyList<string> AllowedOrigins { get; init; } = [];

    /// <summary>How long a front that is told to stop takes to send its clients elsewhere. Default 5 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:10:00", ErrorMessage = "Chat:DrainTime must be a time span from 00:00:00 to 00:10:00.")]
    public TimeSpan DrainTime { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a claim holds without another renewal.</summary>
    public TimeSpan Lease => LeaseRenewal * 3;

    /// <summary>What no range can say. An origin that no browser sends would let nobody in, and nobody would know why.</summary>
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext) =>
        from origin in AllowedOrigins
        where origin != "*" && !IsOrigin(origin)
        select new ValidationResult($"Chat:AllowedOrigins must hold origins such as https://chat.example.org, without a path, or '*': '{origin}' is none.", [nameof(AllowedOrigins)]);

    private static bool IsOrigin(string text) =>
        text.Contains("://", StringComparison.Ordinal) && Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.PathAndQuery is "" or "/";
}
