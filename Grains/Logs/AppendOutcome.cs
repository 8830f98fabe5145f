namespace OrleansChat.Grains.Logs;

/// <summary>What became of an append.</summary>
internal enum AppendOutcome
{
    /// <summary>It is in the log.</summary>
    Appended,

    /// <summary>The log ends elsewhere.</summary>
    Refused,

    /// <summary>It is not known where the log ends.</summary>
    EndUnknown,

    /// <summary>Somebody else is appending to that log.</summary>
    Again,

    /// <summary>There is no space until a file is free.</summary>
    Full,
}
