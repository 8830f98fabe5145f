using Microsoft.Extensions.Time.Testing;
using OrleansChat.Grains;

namespace OrleansChat.Tests.Rooms;

public sealed class RoomTypingTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly RoomTyping _typing;

    public RoomTypingTests() => _typing = new RoomTyping(_time);

    [Fact]
    public void The_first_word_is_told_at_once_and_the_next_within_a_second_is_held_back()
    {
        Assert.True(_typing.Note("alice", "Alice", isTyping: true));
        Assert.True(_typing.Note("bob", "Bob", isTyping: true));
        _time.Advance(TimeSpan.FromSeconds(0.999));
        Assert.False(_typing.Note("alice", "Alice", isTyping: false));
        Assert.Empty(_typing.Due());

        _time.Advance(TimeSpan.FromSeconds(0.001));
        Assert.Equal([("alice", "Alice", false)], _typing.Due());
    }

    /// <summary>Whoever sends a message and types on is seen typing: the page takes the message for the end of the typing before it.</summary>
    [Fact]
    public void Who_stops_and_types_again_within_a_second_is_told_again_at_its_end()
    {
        Assert.True(_typing.Note("ada", "Ada", isTyping: true));
        Assert.False(_typing.Note("ada", "Ada", isTyping: false));
        Assert.False(_typing.Note("ada", "Ada", isTyping: true));

        _time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal([("ada", "Ada", true)], _typing.Due());
    }

    [Fact]
    public void Who_only_repeats_it_is_not_told_again()
    {
        Assert.True(_typing.Note("ada", "Ada", isTyping: true));
        Assert.False(_typing.Note("ada", "Ada", isTyping: true));

        _time.Advance(TimeSpan.FromSeconds(1));

        Assert.Empty(_typing.Due());
        Assert.False(_typing.IsWaiting);
    }

    [Fact]
    public void However_often_it_changes_it_is_told_once_a_second()
    {
        var told = 0;
        for (var tenth = 0; tenth < 100; tenth++)
        {
            told += _typing.Note("alice", "Alice", isTyping: tenth % 2 == 0) ? 1 : 0;
            told += _typing.Due().Count;
            _time.Advance(TimeSpan.FromSeconds(0.1));
        }

        Assert.InRange(told, 5, 10);
    }

    [Fact]
    public void Who_left_is_not_told_of_any_more()
    {
        _typing.Note("alice", "Alice", isTyping: true);
        _typing.Note("alice", "Alice", isTyping: false);
        _typing.Forget("alice");
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Empty(_typing.Due());
        Assert.False(_typing.IsWaiting, "It waits for someone who is gone.");
    }

    [Fact]
    public void Who_is_quiet_for_a_second_is_forgotten()
    {
        for (var i = 0; i < 1_000; i++)
            _typing.Note($"user {i}", "Name", isTyping: true);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Empty(_typing.Due());
        Assert.False(_typing.IsWaiting, "It keeps who types no more.");
    }
}
