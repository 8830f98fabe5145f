using Microsoft.Extensions.Time.Testing;
using OrleansChat.Grains;

namespace OrleansChat.Tests.Rooms;

/// <summary>Whoever sends a message and types on is seen typing: the page takes the message for the end of the typing before it.</summary>
public sealed class TypingAgainTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void Who_stops_and_types_again_within_a_second_is_told_again_at_its_end()
    {
        var typing = new RoomTyping(_time);
        Assert.True(typing.Note("ada", "Ada", isTyping: true));
        Assert.False(typing.Note("ada", "Ada", isTyping: false));
        Assert.False(typing.Note("ada", "Ada", isTyping: true));

        _time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal([("ada", "Ada", true)], typing.Due());
    }

    [Fact]
    public void Who_only_repeats_it_is_not_told_again()
    {
        var typing = new RoomTyping(_time);
        Assert.True(typing.Note("ada", "Ada", isTyping: true));
        Assert.False(typing.Note("ada", "Ada", isTyping: true));

        _time.Advance(TimeSpan.FromSeconds(1));

        Assert.Empty(typing.Due());
        Assert.False(typing.IsWaiting);
    }
}
