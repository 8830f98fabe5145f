namespace OrleansChat.Grains.Interfaces;

/// <summary>The names of the streams between grains and fronts: each front has <see cref="Partitions"/> feeds, and subscribes to them once in its life.</summary>
public static class Feeds
{
    /// <summary>The Orleans stream provider that carries the feeds.</summary>
    public const string Provider = "feeds";

    /// <summary>A room or user belongs to one partition, so its order is kept; others do not wait behind it.</summary>
    public const int Partitions = 4;

    /// <summary>One of a front's feeds.</summary>
    public static StreamId Stream(string front, int partition) => StreamId.Create("feed", $"{front}/{partition}");

    /// <summary>The partition of a room's or a user's events: the same in every process.</summary>
    public static int PartitionOf(string name) => (int)(StableHash.ComputeHash(name) % Partitions);
}
