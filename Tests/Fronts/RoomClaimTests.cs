using OrleansChat.Grains.Interfaces;
using OrleansChat.Tests.Support;
using OrleansChat.WebFront.Rooms;

namespace OrleansChat.Tests.Fronts;

/// <summary>What a front says of a room: everything once, in order, and again when nobody knows whether it arrived.</summary>
public sealed class RoomClaimTests
{
    private readonly TestFront _front = new();
    private readonly LocalRoom _local;
    private readonly TaskCompletionSource _called = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public RoomClaimTests() => _local = _front.Hub.Hold("lobby");

    private FakeRoom Room => _front.Cluster.Room("lobby");

    private RoomClaim Claim => _local.Claim;

    [Fact]
    public async Task One_call_is_in_flight_and_what_gathers_meanwhile_goes_into_the_next()
    {
        var first = Held();
        var join = Claim.JoinAsync("alice", "Alice");
        await _called.Task.Soon("the first is on its way");
        Task[] others = [Claim.JoinAsync("bob", "Bob"), Claim.JoinAsync("alice", "Alicia"), Claim.JoinAsync("carol", "Carol"), Claim.LeaveAsync("carol")];
        Assert.Single(Room.Renewals);

        Room.OnRenew = null;
        first.SetResult(Room.Granted());
        await Task.WhenAll([join, .. others]).Soon("all are answered");

        Assert.Equal(2, Room.Renewals.Count);
        var (one, two) = (Room.Renewals[0], Room.Renewals[1]);
        Assert.True(one.Full && one.Base == 0 && two.Version > one.Version && two.Base == one.Version && !two.Full);
        Assert.Equal([new MemberChange("alice", "Alice", 1, IsNew: true)], one.Changes);
        Assert.Equal(
            [new MemberChange("alice", "Alicia", 2, IsNew: false), new MemberChange("bob", "Bob", 1, IsNew: true), new MemberChange("carol", "", 0, IsNew: false)],
            two.Changes.OrderBy(change => change.UserId));
    }

    [Fact]
    public async Task What_nobody_confirmed_is_said_again_in_full_and_at_once()
    {
        await Claim.JoinAsync("alice", "Alice").Soon("alice is in");
        Room.OnRenew = _ => Task.FromException<RoomLease>(new TimeoutException());
        await Assert.ThrowsAsync<ChatException>(() => Claim.JoinAsync("bob", "Bob"));
        await Assert.ThrowsAsync<ChatException>(() => Claim.LeaveAsync("nobody"));
        Assert.True(_front.Time.GetTimestamp() >= Claim.RenewAt && Claim.RenewAt != 0);

        Room.OnRenew = null;
        await Claim.RenewAsync().Soon("the lease is renewed");

        Assert.Equal((true, 0), (Room.Renewals[^1].Full, Room.Renewals[^1].Base));
        Assert.Equal([new MemberChange("alice", "Alice", 1, IsNew: false)], Room.Renewals[^1].Changes);
        Assert.True(_front.Time.GetTimestamp() < Claim.RenewAt);
    }

    [Theory]
    [InlineData(LeaseOutcome.Resend)]
    [InlineData(LeaseOutcome.Stale)]
    public async Task A_grain_that_does_not_know_the_base_is_told_everything(LeaseOutcome outcome)
    {
        await Claim.JoinAsync("alice", "Alice").Soon("alice is in");
        Room.OnRenew = renewal => Task.FromResult(renewal.Full ? Room.Granted() : FakeRoom.Outcome(outcome));

        await Claim.JoinAsync("bob", "Bob").Soon("bob is in");

        Assert.Equal([new MemberChange("alice", "Alice", 1, IsNew: false), new MemberChange("bob", "Bob", 1, IsNew: true)], Room.Renewals[^1].Changes.OrderBy(change => change.UserId));
        Assert.True(Room.Renewals[1].Version < Room.Renewals[2].Version);
    }

    [Fact]
    public async Task A_grain_that_never_agrees_is_not_asked_for_ever()
    {
        Room.OnRenew = _ => Task.FromResult(FakeRoom.Outcome(LeaseOutcome.Resend));

        var refusal = await Assert.ThrowsAsync<ChatException>(() => Claim.JoinAsync("alice", "Alice")).Soon("the join is refused");

        Assert.Equal(ChatError.Unavailable, refusal.Error);
        Assert.Equal(5, Room.Renewals.Count);
    }

    [Fact]
    public async Task Who_finds_no_place_is_refused_alone()
    {
        var first = Held();
        var renewal = Claim.RenewAsync();
        Assert.Empty(Room.Renewals);
        await Assert.ThrowsAsync<ChatException>(() => renewal);

        var join = Claim.JoinAsync("alice", "Alice");
        await _called.Task.Soon("the first is on its way");
        var (bob, carol) = (Claim.JoinAsync("bob", "Bob"), Claim.JoinAsync("carol", "Carol"));
        Room.OnRenew = _ => Task.FromResult(Room.Granted(refused: "bob"));
        first.SetResult(Room.Granted());

        await Task.WhenAll(join, carol).Soon("alice and carol are in");
        Assert.Equal(ChatError.RoomFull, (await Assert.ThrowsAsync<ChatException>(() => bob)).Error);
        Room.OnRenew = null;
        await Claim.JoinAsync("bob", "Bob").Soon("bob is in when there is a place");
        Assert.Equal([new MemberChange("bob", "Bob", 1, IsNew: true)], Room.Renewals[^1].Changes);
    }

    [Fact]
    public async Task A_room_that_nobody_ever_joined_counts_for_the_first_who_does()
    {
        Room.OnRenew = renewal => Task.FromResult(renewal.Create ? Room.Granted() : FakeRoom.Outcome(LeaseOutcome.NotFound));

        await Claim.JoinAsync("alice", "Alice").Soon("alice is in");
        await Claim.JoinAsync("bob", "Bob").Soon("bob is in");

        Assert.Equal([false, true, true], Room.Renewals.Select(renewal => renewal.Create));
        Assert.Equal((1, 0), (_front.Cluster.User("alice").NewRooms, _front.Cluster.User("bob").NewRooms));
    }

    [Fact]
    public async Task Who_made_too_many_rooms_is_refused()
    {
        Room.OnRenew = renewal => Task.FromResult(renewal.Create ? Room.Granted() : FakeRoom.Outcome(LeaseOutcome.NotFound));
        _front.Cluster.User("alice").OnAdmitNewRoom = () => throw new ChatException(ChatError.RateLimited, "later");

        var refusal = await Assert.ThrowsAsync<ChatException>(() => Claim.JoinAsync("alice", "Alice"));

        Assert.Equal(ChatError.RateLimited, refusal.Error);
    }

    [Fact]
    public async Task A_renewal_behind_the_last_leave_says_nothing_for_the_room_may_be_held_anew()
    {
        await Claim.JoinAsync("alice", "Alice").Soon("alice is in");
        await Claim.LeaveAsync("alice").Soon("alice is out");
        var calls = Room.Renewals.Count;

        Claim.Renew();
        await Assert.ThrowsAsync<ChatException>(Claim.RenewAsync).Soon("the renewal is answered");

        Assert.Equal(calls, Room.Renewals.Count);
    }

    [Fact]
    public async Task The_position_that_was_delivered_is_told()
    {
        await Claim.JoinAsync("alice", "Alice").Soon("alice is in");
        _front.Hub.OnFeedEvent(Room.Append(3));

        await Claim.RenewAsync().Soon("the lease is renewed");

        Assert.Equal([("", 0L), ("e1", 3L)], Room.Renewals.Select(renewal => (renewal.Epoch, renewal.LastSeq)));
    }

    private TaskCompletionSource<RoomLease> Held()
    {
        var answer = new TaskCompletionSource<RoomLease>(TaskCreationOptions.RunContinuationsAsynchronously);
        Room.OnRenew = _ =>
        {
            _called.TrySetResult();
            return answer.Task;
        };
        return answer;
    }
}
