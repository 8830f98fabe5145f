namespace OrleansChat.Grains;

/// <summary>The names of the grain storages.</summary>
public static class GrainStores
{
    /// <summary>Grain state.</summary>
    public const string Default = "grains";

    /// <summary>Orleans keeps stream subscriptions in it, under this name of its own.</summary>
    public const string PubSub = "PubSubStore";
}
