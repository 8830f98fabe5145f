using CsCheck;
using Microsoft.Extensions.Time.Testing;
using OrleansChat.Grains;
using OrleansChat.Grains.Interfaces;

namespace OrleansChat.Tests.Rooms;

public sealed class RoomMembersTests
{
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(45);

    private readonly FakeTimeProvider _time = new(DateTimeOffset.FromUnixTimeMilliseconds(1_700_000_000_000));
    private readonly List<PresenceChange> _told = [];
    private readonly List<string> _refused = [];

    [Fact]
    public void A_user_joins_with_the_first_connection_over_all_fronts_and_leaves_with_the_last()
    {
        var room = new RoomMembers(100, _time);
        Renew(room, "one", 1, User("alice", 1));
        Renew(room, "two", 2, User("alice", 2));
        Renew(room, "one", 3);
        Assert.Equal(["alice joined: 1"], Told());

        Renew(room, "two", 4, User("alice", 1), User("bob", 1));
        Renew(room, "two", 5, User("bob", 1));
        Assert.Equal(["alice joined: 1", "bob joined: 2", "alice left: 1"], Told());
        Assert.Equal(_told.Select(change => change.Revision).Order(), _told.Select(change => change.Revision));
        Assert.Equal(room.Revision, _told[^1].Revision);
    }

    [Fact]
    public void Who_only_comes_back_after_the_grain_moved_makes_no_event_and_leaves_with_one()
    {
        var room = new RoomMembers(100, _time);
        room.Adopt("front", Lease);
        Renew(room, "front", 9, User("alice", 1) with { IsNew = false });
        Assert.Empty(Told());
        Assert.Equal(1, room.Count);

        Renew(room, "front", 10);
        Assert.Equal(["alice left: 0"], Told());
    }

    [Fact]
    public void What_builds_on_a_version_that_is_not_the_last_is_asked_for_anew_and_changes_nothing()
    {
        var room = new RoomMembers(100, _time);
        Renew(room, "front", 1, User("alice", 1));
        var next = Renewal("front", 3, User("bob", 1)) with { Full = false, Base = 2 };
        Assert.Equal(LeaseOutcome.Resend, room.Renew(next, _told, _refused));
        Assert.Equal(LeaseOutcome.Resend, room.Renew(next with { Front = "unknown" }, _told, _refused));
        Assert.Equal(LeaseOutcome.Granted, room.Renew(next with { Base = 1 }, _told, _refused));
        Assert.Equal(["alice joined: 1", "bob joined: 2"], Told());
    }

    [Fact]
    public void A_join_that_comes_after_the_leave_that_overtook_it_brings_nobody_back()
    {
        var room = new RoomMembers(100, _time);
        Assert.Equal(LeaseOutcome.Granted, room.Renew(Renewal("front", 2), _told, _refused));
        Assert.Equal(LeaseOutcome.Stale, room.Renew(Renewal("front", 1, User("alice", 1)), _told, _refused));
        room.Adopt("front", Lease);
        Assert.Equal(LeaseOutcome.Stale, room.Renew(Renewal("front", 1, User("alice", 1)), _told, _refused));
        Assert.Equal(0, room.Count);
        Assert.Equal(LeaseOutcome.Granted, room.Renew(Renewal("front", 3, User("alice", 1)), _told, _refused));
    }

    [Fact]
    public void A_full_room_refuses_who_is_new_and_takes_more_connections_of_who_is_there()
    {
        var room = new RoomMembers(2, _time);
        Renew(room, "one", 1, User("alice", 1), User("bob", 1), User("carol", 1));
        Renew(room, "two", 2, User("dave", 1), User("alice", 1));
        Assert.Equal("carol dave", string.Join(' ', _refused));
        Assert.Equal(2, room.Count);

        _refused.Clear();
        Renew(room, "one", 3, User("carol", 1), User("alice", 1)); // bob goes in the same breath
        Assert.Empty(_refused);
        Assert.Equal(["alice joined: 1", "bob joined: 2", "bob left: 1", "carol joined: 2"], Told());
    }

    [Fact]
    public void A_front_whose_renewal_is_refused_whole_does_not_hold_the_room()
    {
        var room = new RoomMembers(1, _time);
        Renew(room, "one", 1, User("alice", 1));
        Renew(room, "two", 2, User("bob", 1));
        Assert.False(room.Holds("two"), "It holds a room in which it has nobody.");
    }

    [Fact]
    public void A_front_that_does_not_renew_is_dropped_when_its_lease_ends_and_not_before()
    {
        var room = new RoomMembers(100, _time);
        Renew(room, "one", 1, User("alice", 1), User("bob", 1));
        _time.Advance(TimeSpan.FromSeconds(30));
        Renew(room, "two", 2, User("alice", 1));
        _time.Advance(TimeSpan.FromSeconds(14.999));
        Assert.Empty(room.Expire(_told));
        _time.Advance(TimeSpan.FromSeconds(0.001));
        Assert.Equal("one", Assert.Single(room.Expire(_told)));
        Assert.Equal(["alice joined: 1", "bob joined: 2", "bob left: 1"], Told());
    }

    [Fact]
    public void Pages_are_ordinal_exclusive_and_say_whether_more_follow()
    {
        var room = new RoomMembers(100, _time);
        Renew(room, "front", 1, [.. new[] { "b", "a", "B", "é", "c" }.Select(id => User(id, 1))]);

        Assert.Equal("B a|more of 5", Page(room, null, 2));
        Assert.Equal("b c|more of 5", Page(room, "a", 2));
        Assert.Equal("é|5", Page(room, "c", 2));
        Assert.Equal("|5", Page(room, "é", 2));
        Assert.Equal("b c é|5", Page(room, "aa", 3));
        Assert.Equal("B a b c é|5", Page(room, null, 5));
    }

    [Fact]
    public void Whatever_the_fronts_say_and_lose_the_room_believes_what_the_model_does() => Gen.Select(
            Gen.Int[0, 9], Gen.Int[0, 2], Gen.Int[0, 30], Gen.Select(Gen.Int[0, 4], Gen.Int[0, 2], Gen.Bool).Array[0, 4])
        .Array[1, 60].Sample(FollowsTheModel, iter: 2_000, print: steps => string.Join("; ", steps.Select(step => $"{step.Item1} {step.Item2} {step.Item3} [{string.Join(' ', step.Item4)}]")));

    private static void FollowsTheModel((int Kind, int Front, int Number, (int User, int Connections, bool IsNew)[] Changes)[] steps)
    {
        var time = new FakeTimeProvider();
        var start = time.GetTimestamp();
        var (room, model, said, confirmed, version) = (new RoomMembers(3, time), new RoomMembersModel(3), new List<RoomRenewal>(), new long[3], 0L);
        foreach (var (kind, front, number, users) in steps)
        {
            var (told, toldModel, refused, refusedModel) = (new List<PresenceChange>(), new List<(string, bool)>(), new List<string>(), new List<string>());
            if (kind == 0)
            {
                time.Advance(TimeSpan.FromSeconds(number));
                room.Expire(told);
                model.Expire(time.GetElapsedTime(start), toldModel);
            }
            else
            {
                var changes = users.DistinctBy(user => user.User)
                    .Select(user => new MemberChange($"user {user.User}", $"name {version}", user.Connections, user.IsNew)).ToArray();
                var renewal = kind == 1 && said.Count > 0
                    ? said[number % said.Count] // a late duplicate
                    : new RoomRenewal($"{front}", ++version, confirmed[front], TimeSpan.FromSeconds(20), Create: true, Full: kind < 5, changes, "", 0);
                said.Add(renewal);
                var outcome = room.Renew(renewal, told, refused);
                Assert.Equal(model.Renew(renewal, time.GetElapsedTime(start), toldModel, refusedModel), outcome);
                if (outcome == LeaseOutcome.Granted && kind != 9) // 9: the answer is lost
                    confirmed[int.Parse(renewal.Front)] = renewal.Version;
            }

            Assert.Equal(toldModel.Order(), told.Select(change => (change.UserId, change.Joined)).Order());
            Assert.Equal(refusedModel.Order(StringComparer.Ordinal), refused.Order(StringComparer.Ordinal), StringComparer.Ordinal);
            Assert.Equal(model.Members, room.Page(null, 1_000).Users);
            Assert.Equal(model.Members.Count, room.Count);
            Assert.Equal(model.Fronts, room.Fronts.Order(StringComparer.Ordinal), StringComparer.Ordinal);
        }
    }

    private static MemberChange User(string id, int connections) => new(id, id.ToUpperInvariant(), connections, IsNew: true);

    private static RoomRenewal Renewal(string front, long version, params MemberChange[] users) =>
        new(front, version, Base: 0, Lease, Create: true, Full: true, users, "", 0);

    private static string Page(RoomMembers room, string? after, int count)
    {
        var page = room.Page(after, count);
        return $"{string.Join(' ', page.Users.Select(user => user.UserId))}|{(page.More ? "more of " : "")}{page.Count}";
    }

    private void Renew(RoomMembers room, string front, long version, params MemberChange[] users) =>
        Assert.Equal(LeaseOutcome.Granted, room.Renew(Renewal(front, version, users), _told, _refused));

    private object[] Told() => [.. _told.Select(change => $"{change.UserId} {(change.Joined ? "joined" : "left")}: {change.Members}")];
}
