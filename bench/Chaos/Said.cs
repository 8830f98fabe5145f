using System.Globalization;

namespace OrleansChat.Chaos;

/// <summary>One message of one client: its id and its text both say which, so that each can be found from the other.</summary>
internal readonly record struct Said(int Client, int Room, int Count)
{
    public string RoomName => NameOf(Room);

    public string UserId => UserOf(Client);

    public string Id => FormattableString.Invariant($"c{Client}-r{Room}-{Count}");

    public string Text => FormattableString.Invariant($"client {Client} room {Room} count {Count}");

    public static string NameOf(int room) => FormattableString.Invariant($"r{room}");

    public static string UserOf(int client) => FormattableString.Invariant($"user-{client}");

    public static Said? FromText(string? text)
    {
        if (text?.Split(' ') is not ["client", var client, "room", var room, "count", var count])
            return null;
        return Number(client) is { } c && Number(room) is { } r && Number(count) is { } n && new Said(c, r, n) is var said && said.Text == text ? said : null;
    }

    public override string ToString() => Id;

    private static int? Number(string digits) => int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
}
