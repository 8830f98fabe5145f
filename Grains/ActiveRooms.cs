using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using OrleansChat.Grains.Interfaces;

namespace OrleansChat.Grains;

/// <summary>The doors of the rooms that are active in this silo.</summary>
internal sealed class ActiveRooms : IActiveRooms
{
    private readonly ConcurrentDictionary<string, RoomDoor> _doors = new(StringComparer.Ordinal);

    /// <summary>A room takes what comes to its door from now on.</summary>
    public void Add(string room, RoomDoor door) => _doors[room] = door;

    /// <summary>A room is about to go. Another activation's door stays.</summary>
    public void Remove(string room, RoomDoor door) => _doors.TryRemove(KeyValuePair.Create(room, door));

    public bool TryPublish(string room, PublishRequest[] requests, [NotNullWhen(true)] out Task<PublishAnswer[]>? answers)
    {
        answers = null;
        return _doors.TryGetValue(room, out var door) && door.TryPublish(requests, out answers);
    }
}
