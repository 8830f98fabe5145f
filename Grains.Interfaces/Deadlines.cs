namespace OrleansChat.Grains.Interfaces;

/// <summary>How long each step may take, each longer than the one inside it, so that who asked hears <c>unavailable</c> from the step that failed.</summary>
public static class Deadlines
{
    /// <summary>One request to Redis or to the data file.</summary>
    public static readonly TimeSpan Store = TimeSpan.FromSeconds(3);

    /// <summary>A sync of the data file (<see cref="IStoreSync"/>), behind <see cref="Store"/>: within <see cref="Call"/> where the grain waits for it, behind <see cref="Request"/> where the front does.</summary>
    public static readonly TimeSpan Sync = TimeSpan.FromSeconds(1.5);

    /// <summary>A grain call. Orleans' own default of 30 s would be the pause of every room of a silo that is killed.</summary>
    public static readonly TimeSpan Call = TimeSpan.FromSeconds(5);

    /// <summary>A client's request, waiting for its turn included. It may be a second more: Orleans looks once a second which calls have run out.</summary>
    public static readonly TimeSpan Request = TimeSpan.FromSeconds(6);
}
