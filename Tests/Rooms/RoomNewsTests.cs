using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Orleans.Streams;
using OrleansChat.Grains;
using OrleansChat.Grains.Interfaces;
using OrleansChat.Tests.Fronts;

namespace OrleansChat.Tests.Rooms;

/// <summary>Who came and went, and when the fronts are told.</summary>
public sealed class RoomNewsTests
{
    private const int DetailLimit = 100;

    private readonly FakeTimeProvider _time = new();
    private readonly List<FeedEvent> _told = [];
    private readonly RoomMembers _members;
    private readonly FeedWriter _feeds;
    private readonly RoomNews _news;
    private long _version;

    public RoomNewsTests()
    {
        _members = new RoomMembers(limit: 1_000, _time);
        _feeds = new FeedWriter(StandIn.Of<IStreamProvider>(new Feeds(_told)), "calm", NullLogger.Instance);
        _news = new RoomNews("calm", _members, _feeds, DetailLimit, _time);
    }

    [Fact]
    public void Ten_who_come_together_are_told_of_at_once()
    {
        Join(10);
        Assert.Equal(10, _told.Count);
        Assert.False(_news.IsWaiting);
    }

    [Fact]
    public void Of_a_room_that_fills_up_the_rest_is_told_within_a_second_together_and_in_order()
    {
        Join(40);
        var atOnce = _told.Count;
        Assert.InRange(atOnce, 10, 20);
        Assert.True(_news.IsWaiting);

        _news.TellDue();

        Assert.False(_news.IsWaiting);
        Assert.Equal(atOnce + 1, _told.Count);
        var changes = _told.Cast<FeedEvent.Presence>().SelectMany(told => told.Changes).ToList();
        Assert.Equal(Enumerable.Range(1, 40).Select(i => $"user{i}"), changes.Select(change => change.UserId));
        Assert.Equal(Enumerable.Range(1, 40), changes.Select(change => change.Members));
    }

    [Fact]
    public void After_a_second_it_is_told_at_once_again()
    {
        Join(40);
        _news.TellDue();
        _time.Advance(TimeSpan.FromSeconds(1));
        _told.Clear();

        Join(1);

        Assert.Single(_told);
    }

    [Fact]
    public void Of_a_room_that_goes_on_filling_up_is_told_once_a_second()
    {
        Join(40);
        for (var second = 0; second < 3; second++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            _news.TellDue();
            _told.Clear();
            Join(5);
            Assert.Empty(_told);
        }
    }

    [Fact]
    public void What_was_held_back_is_told_before_the_room_tells_only_how_many_there_are()
    {
        Join(DetailLimit + 1);
        _told.Clear();

        _news.TellDue();

        Assert.Equal(DetailLimit, Assert.IsType<FeedEvent.Presence>(_told[0]).Changes[^1].Members);
        Assert.Equal(new FeedEvent.Occupancy("calm", DetailLimit + 1), _told[1]);
    }

    [Fact]
    public void A_large_room_tells_at_first_within_a_second_and_then_the_rarer_the_more_it_writes_to_how_many_there_are()
    {
        Join(DetailLimit + 1);
        var told = new List<int>();
        for (var second = 1; second <= 12; second++)
        {
            _told.Clear();
            _time.Advance(TimeSpan.FromSeconds(1) - TimeSpan.FromMilliseconds(1)); // As timers are.
            _news.TellDue();
            if (_told.OfType<FeedEvent.Occupancy>().Any())
                told.Add(second);
            else
                Assert.True(_news.IsWaiting); // It is looked after again.
            Join(second switch { 1 => 200, 4 => 600, _ => 1 });
        }

        Assert.Equal([1, 4, 9], told); // 303 members: after three seconds; 900: after five.
    }

    [Fact]
    public void A_room_that_came_up_anew_and_finds_many_there_says_so_once()
    {
        Join(DetailLimit + 1);
        var anew = new RoomNews("calm", _members, _feeds, DetailLimit, _time);
        _told.Clear();

        for (var i = 0; i < 3; i++)
        {
            anew.Tell([]);
            anew.TellDue();
        }

        Assert.Equal(new FeedEvent.Occupancy("calm", DetailLimit + 1), Assert.Single(_told));
        Assert.False(anew.IsWaiting);
    }

    [Fact]
    public void A_room_that_swings_around_the_limit_says_how_many_there_are_when_it_told_of_each()
    {
        Join(DetailLimit + 1);
        _news.TellDue();
        Leave(2);
        Join(10);
        _told.Clear();

        _news.TellDue();

        Assert.IsType<FeedEvent.Presence>(_told[0]);
        Assert.Equal(new FeedEvent.Occupancy("calm", DetailLimit + 9), _told[1]);
    }

    [Fact]
    public void A_room_that_ends_tells_what_it_held_back()
    {
        Join(DetailLimit + 1);
        _news.TellDue();
        Join(1);
        _told.Clear();

        _news.TellAll();

        Assert.Equal(new FeedEvent.Occupancy("calm", DetailLimit + 2), Assert.Single(_told));
        Assert.False(_news.IsWaiting);
    }

    private void Join(int count)
    {
        for (; count > 0; count--)
            Change($"user{_members.Count + 1}", connections: 1);
    }

    private void Leave(int count)
    {
        for (; count > 0; count--)
            Change($"user{_members.Count}", connections: 0);
    }

    private void Change(string user, int connections)
    {
        var changes = new List<PresenceChange>();
        var renewal = new RoomRenewal("front", _version + 1, Base: _version, TimeSpan.FromSeconds(45), Create: true, Full: _version == 0, [new MemberChange(user, user, connections, IsNew: true)], "", 0);
        Assert.Equal(LeaseOutcome.Granted, _members.Renew(renewal, changes, []));
        _version++;
        _news.Tell(changes);
    }

    /// <summary>A stream provider whose streams are one.</summary>
    private sealed class Feeds(List<FeedEvent> told)
    {
        public IAsyncStream<T> GetStream<T>(StreamId _) => StandIn.Of<IAsyncStream<T>>(this);

        public Task OnNextAsync(FeedEvent item, StreamSequenceToken? _)
        {
            told.Add(item);
            return Task.CompletedTask;
        }
    }
}
