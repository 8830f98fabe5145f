namespace OrleansChat.Grains.Interfaces;

/// <summary>The live fronts of the cluster. There is one such grain: <see cref="Key"/>.</summary>
[Alias("chat.fronts")]
public interface IFrontsGrain : IGrainWithIntegerKey
{
    /// <summary>The only key in use.</summary>
    const long Key = 0;

    /// <summary>The fronts whose lease runs, the oldest first.</summary>
    [Alias("live")]
    Task<Front[]> Live();

    /// <summary>Delivers a <c>broadcast</c> frame to every connection that is meant, on every front. Not stored.</summary>
    [Alias("broadcast")]
    Task Broadcast(Broadcast broadcast);

    /// <summary>A front says that it is alive.</summary>
    [Alias("renew")]
    Task Renew(Front front, TimeSpan lease);

    /// <summary>A front says that it goes away.</summary>
    [Alias("retire")]
    Task Retire(string front);
}

/// <summary>A WebFront process.</summary>
/// <param name="Id">New for each process.</param>
/// <param name="Machine">Its host's name, for people.</param>
/// <param name="StartedAt">Unix milliseconds.</param>
/// <param name="Connections">How many it held when it last renewed.</param>
[GenerateSerializer, Immutable, Alias("chat.front")]
public sealed record Front(
    [property: Id(0)] string Id,
    [property: Id(1)] string Machine,
    [property: Id(2)] long StartedAt,
    [property: Id(3)] int Connections);

/// <summary>A message to many connections, whatever rooms they are in.</summary>
/// <param name="From">The sender's user id.</param>
/// <param name="Message">1–<c>Chat:MessageChars</c> UTF-16 code units.</param>
/// <param name="Include">User ids or client ids that are meant; empty: everyone. At most 1,000.</param>
/// <param name="Exclude">User ids or client ids that are not. At most 1,000.</param>
[GenerateSerializer, Immutable, Alias("chat.broadcast")]
public sealed record Broadcast(
    [property: Id(0)] string From,
    [property: Id(1)] string Message,
    [property: Id(2)] string[] Include,
    [property: Id(3)] string[] Exclude);
