using Microsoft.Extensions.DependencyInjection;
using Orleans.Serialization;
using Orleans.Serialization.Configuration;
using OrleansChat.Grains.Interfaces;

namespace OrleansChat.Tests.Cluster;

/// <summary>Processes of today and of a release to come, in which contracts have a member more, read what the other wrote.</summary>
public sealed class RollingUpgradeTests
{
    private static readonly Entry Said = new(7, "alice", "Alice", "hello", 1_700_000_000_000);
    private static readonly LogPage Page = new("epoch", 3, 7, [Said, Said with { Seq = 8 }]);
    private static readonly MemberChange Change = new("alice", "Alice", 2, IsNew: true);

    private readonly Serializer _today = Release();

    private readonly Serializer _next = Release(
        ("chat.entry", typeof(NextEntry)), ("chat.log-page", typeof(NextPage)), ("chat.publish-answer", typeof(NextAnswer)),
        ("chat.member-change", typeof(NextChange)), ("chat.room-renewal", typeof(NextRenewal)));

    [Fact]
    public void A_page_of_today_is_read_by_the_next_release_with_the_new_member_empty()
    {
        var read = Assert.IsType<NextPage>(Carry(_today, Page, _next));

        Assert.Equal(("epoch", 3, 7, null), (read.Epoch, read.First, read.Head, read.Archive));
        Assert.Equal([new NextEntry(7, "alice", "Alice", "hello", 1_700_000_000_000, null), new NextEntry(8, "alice", "Alice", "hello", 1_700_000_000_000, null)], read.Entries);
    }

    [Fact]
    public void A_page_of_the_next_release_is_read_today_without_the_new_members()
    {
        var marked = new NextEntry(7, "alice", "Alice", "hello", 1_700_000_000_000, new NextMark("edit", [Said, Said]));

        var read = Assert.IsType<LogPage>(Carry(_next, new NextPage("epoch", 3, 7, [marked, marked with { Seq = 8 }], "archive"), _today));

        Assert.Equal(Page with { Entries = [] }, read with { Entries = [] });
        Assert.Equal(Page.Entries, read.Entries);
    }

    [Fact]
    public void A_renewal_is_taken_and_given_by_both()
    {
        var renewal = new RoomRenewal("front", 5, 4, TimeSpan.FromSeconds(45), Create: true, Full: true, [Change], "epoch", 9);

        var later = Assert.IsType<NextRenewal>(Carry(_today, renewal, _next));
        Assert.Equal(("front", 5, TimeSpan.FromSeconds(45), 9, 0), (later.Front, later.Version, later.Lease, later.LastSeq, later.Digest));
        Assert.Equal(new NextChange("alice", "Alice", 2, IsNew: true, null), Assert.Single(later.Changes));

        var back = Assert.IsType<RoomRenewal>(Carry(_next, later with { Digest = 77, Changes = [later.Changes[0] with { Color = "red" }] }, _today));
        Assert.Equal(renewal with { Changes = [] }, back with { Changes = [] });
        Assert.Equal([Change], back.Changes);
    }

    [Fact]
    public void An_answer_that_is_a_value_is_taken_and_given_by_both()
    {
        var answer = new PublishAnswer(null, "epoch", 7, 1_700_000_000_000, Duplicate: true);

        var later = Assert.IsType<NextAnswer>(Carry(_today, answer, _next));
        Assert.Equal(new NextAnswer(null, "epoch", 7, 1_700_000_000_000, Duplicate: true, 0), later);
        Assert.Equal(answer, Carry(_next, later with { Replicas = 3 }, _today));
    }

    /// <summary>Nothing says of what type it is but what is written.</summary>
    private static object Carry(Serializer from, object value, Serializer to) => to.Deserialize<object>(from.SerializeToArray(value))!;

    private static Serializer Release(params (string Alias, Type Type)[] changed)
    {
        var services = new ServiceCollection().AddSerializer();
        services.PostConfigure<TypeManifestOptions>(types =>
        {
            foreach (var (alias, type) in changed)
            {
                types.WellKnownTypeAliases.Remove(types.WellKnownTypeAliases.Single(known => known.Value == type).Key);
                types.WellKnownTypeAliases[alias] = type;
            }
        });
        return services.BuildServiceProvider().GetRequiredService<Serializer>();
    }
}

[GenerateSerializer, Immutable, Alias("tests.next-entry")]
public sealed record NextEntry(
    [property: Id(0)] long Seq, [property: Id(1)] string UserId, [property: Id(2)] string Username, [property: Id(3)] string Text, [property: Id(4)] long Timestamp, [property: Id(5)] NextMark? Mark);

/// <summary>A type that no process of today knows.</summary>
[GenerateSerializer, Immutable, Alias("tests.next-mark")]
public sealed record NextMark([property: Id(0)] string Kind, [property: Id(1)] Entry[] Before);

[GenerateSerializer, Immutable, Alias("tests.next-page")]
public sealed record NextPage([property: Id(0)] string Epoch, [property: Id(1)] long First, [property: Id(2)] long Head, [property: Id(3)] NextEntry[] Entries, [property: Id(4)] string? Archive);

[GenerateSerializer, Immutable, Alias("tests.next-answer")]
public readonly record struct NextAnswer(
    [property: Id(0)] ChatError? Error, [property: Id(1)] string Epoch, [property: Id(2)] long Seq, [property: Id(3)] long Timestamp, [property: Id(4)] bool Duplicate, [property: Id(5)] int Replicas);

[GenerateSerializer, Immutable, Alias("tests.next-change")]
public sealed record NextChange([property: Id(0)] string UserId, [property: Id(1)] string Username, [property: Id(2)] int Connections, [property: Id(3)] bool IsNew, [property: Id(4)] string? Color);

[GenerateSerializer, Immutable, Alias("tests.next-renewal")]
public sealed record NextRenewal(
    [property: Id(0)] string Front, [property: Id(1)] long Version, [property: Id(2)] long Base, [property: Id(3)] TimeSpan Lease, [property: Id(4)] bool Create, [property: Id(5)] bool Full,
    [property: Id(6)] NextChange[] Changes, [property: Id(7)] string Epoch, [property: Id(8)] long LastSeq, [property: Id(9)] long Digest);
