using Microsoft.Extensions.Logging;

namespace OrleansChat.Grains;

/// <summary>Tells the log of a store that fails a room: once when it begins, with the cause, and once when it is over. Every batch in between fails too, and would say the same.</summary>
internal sealed partial class RoomOutage(string room, ILogger logger)
{
    private bool _isOn;

    /// <summary>The store failed.</summary>
    public void Note(Exception cause)
    {
        if (_isOn)
            LogStillUnavailable(cause, room);
        else
            LogUnavailable(cause, room);
        _isOn = true;
    }

    /// <summary>The store answered.</summary>
    public void End()
    {
        if (_isOn)
            LogAvailable(room);
        _isOn = false;
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The log of room {Room} did not answer as it should; what waited is answered 'unavailable'")]
    private partial void LogUnavailable(Exception e, string room);

    [LoggerMessage(Level = LogLevel.Debug, Message = "The log of room {Room} still does not answer")]
    private partial void LogStillUnavailable(Exception e, string room);

    [LoggerMessage(Level = LogLevel.Information, Message = "The log of room {Room} answers again")]
    private partial void LogAvailable(string room);
}
