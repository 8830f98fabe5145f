namespace OrleansChat.Chaos;

/// <summary>A promise that was not kept.</summary>
/// <param name="Kind">Which.</param>
/// <param name="Room">Where; empty where it is no room's matter.</param>
/// <param name="Text">Which seq and which id, and who saw it.</param>
internal sealed record Violation(ViolationKind Kind, string Room, string Text)
{
    public override string ToString() => Room.Length == 0 ? $"{Kind}: {Text}" : $"{Kind} in room {Room}: {Text}";
}

/// <summary>The promises, each by what breaks it.</summary>
internal enum ViolationKind
{
    /// <summary>Acknowledged, and not in the log.</summary>
    Lost,

    /// <summary>In the log more than once.</summary>
    Doubled,

    /// <summary>In the log at another seq than was acknowledged.</summary>
    Misplaced,

    /// <summary>Two acks of one id differ.</summary>
    AcksDiffer,

    /// <summary>A client missed a seq between two <c>room_joined</c>.</summary>
    Gap,

    /// <summary>A client saw a seq again, or a lower one.</summary>
    Repeat,

    /// <summary>Two clients, or a client and the log, have different texts at one seq.</summary>
    Diverged,

    /// <summary>A client saw what the log does not hold.</summary>
    Vanished,

    /// <summary>A client that waited for its acks finds its messages in another order.</summary>
    Order,

    /// <summary><c>recovered:false</c>, or a new epoch, though the log reaches back.</summary>
    NotRecovered,

    /// <summary>A message that nobody sent, or in another's name.</summary>
    Unknown,

    /// <summary>A time stamp fell from one seq to the next.</summary>
    Time,

    /// <summary>A request refused that is in order, or not acknowledged long after the last fault.</summary>
    Refused,

    /// <summary>A client did not get what the log holds, long after the last fault.</summary>
    Behind,

    /// <summary>A member of a killed front was still there when its lease had long ended.</summary>
    Ghost,

    /// <summary>A process ended that nobody had ended, or did not come back, or did not end.</summary>
    Process,
}
