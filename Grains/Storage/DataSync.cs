namespace OrleansChat.Grains.Storage;

/// <summary>What an acknowledged write survives (<c>Chat:DataSync</c>).</summary>
internal enum DataSync
{
    /// <summary>A power cut: it is acknowledged after it was synced to the disk.</summary>
    Full,

    /// <summary>The death of the process, not of the machine: the disk is synced at checkpoints only.</summary>
    Normal,
}
