using System.ComponentModel.DataAnnotations;

namespace OrleansChat.Grains;

/// <summary>What the grains' side reads from the configuration section <c>Chat</c>. A value out of range stops the process at start.</summary>
public sealed record GrainOptions
{
    /// <summary>The configuration section.</summary>
    public const string Section = "Chat";

    /// <summary>The longest text, in UTF-16 code units. Default 1,000. A longer one is answered <c>message_too_long</c>.</summary>
    [Range(1, 100_000, ErrorMessage = "Chat:MessageChars must be 1 to 100,000 UTF-16 code units.")]
    public int MessageChars { get; init; } = 1_000;

    /// <summary>How many messages a room's log keeps at least. Default 1,000. More cost memory in Redis, or disk; fewer make recoveries end with <c>recovered:false</c> sooner.</summary>
    [Range(1, 10_000_000, ErrorMessage = "Chat:RoomLogLength must be 1 to 10,000,000 messages.")]
    public int RoomLogLength { get; init; } = 1_000;

    /// <summary>How long a room's log keeps every message at least, whatever their number. Default 10 minutes. A message goes when it exceeds length and age.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "3650.00:00:00", ErrorMessage = "Chat:RoomLogAge must be a time span from 00:00:00 to 3650.00:00:00.")]
    public TimeSpan RoomLogAge { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>The most bytes a room's log holds; the oldest messages go first, whatever length and age say. Default 64 MiB.</summary>
    [Range(65_536, long.MaxValue, ErrorMessage = "Chat:RoomLogBytes must be at least 65,536 bytes.")]
    public long RoomLogBytes { get; init; } = 64 << 20;

    /// <summary>The most users in one room. Default 100,000. One more is answered <c>room_full</c>.</summary>
    [Range(1, 1_000_000, ErrorMessage = "Chat:MembersPerRoom must be 1 to 1,000,000 users.")]
    public int MembersPerRoom { get; init; } = 100_000;

    /// <summary>Above so many members a room sends <c>occupancy</c> once in one to five seconds instead of a frame per join and member. Default 100.</summary>
    [Range(0, 1_000_000, ErrorMessage = "Chat:PresenceDetailLimit must be 0 to 1,000,000 members.")]
    public int PresenceDetailLimit { get; init; } = 100;

    /// <summary>The most connections of one user over the whole cluster. Default 20. One more is answered 429 before the upgrade.</summary>
    [Range(1, 1_000_000, ErrorMessage = "Chat:ConnectionsPerUser must be 1 to 1,000,000 connections.")]
    public int ConnectionsPerUser { get; init; } = 20;

    /// <summary>How many rooms one user may bring into being within a minute. Default 200, 0 = no limit. One more is answered <c>rate_limited</c>.</summary>
    [Range(0, 1_000_000, ErrorMessage = "Chat:NewRoomsPerMinute must be 0 (no limit) to 1,000,000 rooms.")]
    public int NewRoomsPerMinute { get; init; } = 200;

    /// <summary>The embedded store's file, or <c>:memory:</c>. Default <c>data/orleanschat.db</c> under the working directory. Without Redis only.</summary>
    [Required(ErrorMessage = "Chat:DataPath must name a file, or be ':memory:'.")]
    public string DataPath { get; init; } = "data/orleanschat.db";

    /// <summary>Whether an acknowledged message survives a power cut (<c>full</c>, the default) or only the death of the process (<c>normal</c>, ten times faster a transaction). Without Redis only.</summary>
    [Required(ErrorMessage = "Chat:DataSync must be 'full' or 'normal'.")]
    [RegularExpression("full|normal", ErrorMessage = "Chat:DataSync must be 'full' or 'normal'.")]
    public string DataSync { get; init; } = "full";

    /// <summary>How many Redis replicas must hold a message before it is acknowledged. Default 0. Fewer in time: <c>unavailable</c>. With Redis only.</summary>
    [Range(0, 10, ErrorMessage = "Chat:AckReplicas must be 0 to 10 replicas.")]
    public int AckReplicas { get; init; }
}
