using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using OrleansChat.Grains.Interfaces;

namespace OrleansChat.Tests.Fronts;

/// <summary>The grains as a front sees them, in the hands of a test.</summary>
internal sealed class FakeCluster : IActiveRooms
{
    private readonly ConcurrentDictionary<string, FakeRoom> _rooms = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, FakeUser> _users = new(StringComparer.Ordinal);

    public FakeCluster() => Grains = StandIn.Of<IGrainFactory>(this);

    public IGrainFactory Grains { get; }

    public FakeFronts Fronts { get; } = new();

    public Func<Task> OnFeedCall { get; set; } = () => Task.CompletedTask;

    public FakeRoom Room(string name) => _rooms.GetOrAdd(name, _ => new FakeRoom(name));

    public bool TryPublish(string room, PublishRequest[] requests, [NotNullWhen(true)] out Task<PublishAnswer[]>? answers)
    {
        answers = Room(room).PublishInProcess(requests);
        return true;
    }

    public FakeUser User(string id) => _users.GetOrAdd(id, _ => new FakeUser());

    public TGrain GetGrain<TGrain>(string key, string? prefix)
        where TGrain : class =>
        StandIn.Of<TGrain>(typeof(TGrain) == typeof(IRoomGrain) ? Room(key) : User(key));

    public TGrain GetGrain<TGrain>(long key, string? prefix)
        where TGrain : class =>
        StandIn.Of<TGrain>(Fronts);
}

/// <summary>A user's grain: says yes, or what the test wants.</summary>
internal sealed class FakeUser
{
    private readonly ConcurrentQueue<UserRenewal> _renewals = new();

    public IReadOnlyList<UserRenewal> Renewals => [.. _renewals];

    public Func<UserRenewal, Task<UserLease>> OnRenew { get; set; } = _ => Task.FromResult(new UserLease([]));

    public Func<Task> OnAdmitNewRoom { get; set; } = () => Task.CompletedTask;

    public int NewRooms { get; private set; }

    public Task<UserLease> Renew(UserRenewal renewal)
    {
        _renewals.Enqueue(renewal);
        return OnRenew(renewal);
    }

    public Task AdmitNewRoom()
    {
        NewRooms++;
        return OnAdmitNewRoom();
    }
}

/// <summary>The fronts' grain.</summary>
internal sealed class FakeFronts
{
    public Func<Task> OnRenew { get; set; } = () => Task.CompletedTask;

    public Task Renew(Front front, TimeSpan lease) => OnRenew();

    public Task Retire(string front) => Task.CompletedTask;
}
