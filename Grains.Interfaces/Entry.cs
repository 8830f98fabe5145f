namespace OrleansChat.Grains.Interfaces;

/// <summary>What a room's log made of a published text.</summary>
/// <param name="Seq">1, 2, 3 … within the log's epoch.</param>
/// <param name="UserId">The sender.</param>
/// <param name="Username">The sender's name at that time.</param>
/// <param name="Text">1–<c>Chat:MessageChars</c> UTF-16 code units.</param>
/// <param name="Timestamp">Unix milliseconds; never below that of the entry before.</param>
// Nothing that is sent holds the same entry twice: looking for it would cost a dictionary a message. The same goes for the others.
[GenerateSerializer, Immutable, SuppressReferenceTracking, Alias("chat.entry")]
public sealed record Entry(
    [property: Id(0)] long Seq,
    [property: Id(1)] string UserId,
    [property: Id(2)] string Username,
    [property: Id(3)] string Text,
    [property: Id(4)] long Timestamp);

/// <summary>A stretch of a room's log.</summary>
/// <param name="Epoch">The log's epoch; entries of another epoch have nothing to do with these.</param>
/// <param name="First">The oldest seq still kept; <paramref name="Head"/> + 1 where there is none.</param>
/// <param name="Head">The newest seq; 0 where nothing was ever published.</param>
/// <param name="Entries">Ascending, without a gap.</param>
[GenerateSerializer, Immutable, Alias("chat.log-page")]
public sealed record LogPage(
    [property: Id(0)] string Epoch,
    [property: Id(1)] long First,
    [property: Id(2)] long Head,
    [property: Id(3)] Entry[] Entries);
