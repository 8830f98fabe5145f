using OrleansChat.Grains.Interfaces;
using OrleansChat.Tests.Support;

namespace OrleansChat.Tests.Fronts;

/// <summary>A user's connections on a front, and the lease by which the user's grain knows of them.</summary>
public sealed class LocalUserTests
{
    private readonly TestFront _front = new();

    private FakeUser User => _front.Cluster.User("alice");

    [Fact]
    public async Task The_first_of_two_connections_to_end_does_not_end_the_users_lease()
    {
        var (first, second) = (_front.Connect(), _front.Connect());
        Assert.True(await AdmitAsync(first));
        Assert.True(await AdmitAsync(second));

        // As the endpoint ends a connection: its session, then what it asked for.
        await first.Session.EndAsync().Soon("the session ends");
        await _front.Hub.LeaveAsync("alice", first.Session.ClientId).Soon("the user's grain is told");

        Assert.Equal([second.Session.ClientId], User.Renewals[^1].Sessions.Select(session => session.ClientId));
        var user = Assert.Single(_front.Hub.Users);
        await user.RenewAsync().Soon("the lease is renewed");
        await second.Session.EndAsync().Soon("the session ends");
        await _front.Hub.LeaveAsync("alice", second.Session.ClientId).Soon("the user's grain is told");
        Assert.Empty(User.Renewals[^1].Sessions);
        Assert.Empty(_front.Hub.Users);
    }

    [Fact]
    public async Task One_call_is_in_flight_each_with_all_sessions_and_a_rising_version()
    {
        var held = new TaskCompletionSource<UserLease>();
        User.OnRenew = _ => held.Task;
        Task<bool>[] admitted = [.. Enumerable.Range(0, 3).Select(_ => AdmitAsync(_front.Connect()))];
        Assert.Single(User.Renewals);

        User.OnRenew = _ => Task.FromResult(new UserLease(["c3"]));
        held.SetResult(new UserLease([]));

        var answers = await Task.WhenAll(admitted).Soon("all are answered");
        Assert.Equal([true, true, false], answers);
        Assert.Equal(["c1", "c2", "c3"], User.Renewals[1].Sessions.Select(session => session.ClientId));
        Assert.True(User.Renewals[0].Version < User.Renewals[1].Version);
        await Assert.Single(_front.Hub.Users).RenewAsync().Soon("the lease is renewed");
        Assert.Equal(["c1", "c2"], User.Renewals[2].Sessions.Select(session => session.ClientId));
    }

    [Fact]
    public async Task A_grain_that_does_not_answer_admits_nobody_and_holds_nothing()
    {
        User.OnRenew = _ => Task.FromException<UserLease>(new TimeoutException());

        var refusal = await Assert.ThrowsAsync<ChatException>(() => AdmitAsync(_front.Connect()));

        Assert.Equal(ChatError.Unavailable, refusal.Error);
        Assert.Empty(_front.Hub.Users);
    }

    [Fact]
    public async Task A_renewal_behind_the_last_leave_says_nothing_for_the_user_may_be_back()
    {
        var session = _front.Connect();
        await AdmitAsync(session);
        var user = Assert.Single(_front.Hub.Users);
        await _front.Hub.LeaveAsync("alice", session.Session.ClientId).Soon("the user's grain is told");

        await user.RenewAsync().Soon("the renewal is answered");

        Assert.Equal(2, User.Renewals.Count);
    }

    private Task<bool> AdmitAsync(TestSession session) =>
        _front.Hub.AdmitAsync("alice", new UserSession(session.Session.ClientId, _front.Claims.FrontId, 0));
}
