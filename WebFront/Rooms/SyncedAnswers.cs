using OrleansChat.Grains.Interfaces;
using OrleansChat.Streaming;
using OrleansChat.WebFront.Sockets;

namespace OrleansChat.WebFront.Rooms;

/// <summary>
/// Answers to what was said, where the rooms' store is in this process: they are given when what they speak of is on the disk. For all rooms together one sync
/// is under way, and what gathers meanwhile waits for the next. It begins when a flusher has written all it had, what was said for example: about 2 ms later at the latest. In a cluster the store has done its part when the grain answers, and nothing waits here.
/// </summary>
internal sealed partial class SyncedAnswers
{
    /// <summary>Answers that may wait for the sync under way. One more is <c>unavailable</c>, at once.</summary>
    private const int Capacity = 262_144;

    private readonly IStoreSync? _sync;
    private readonly Flushers _flushers;
    private readonly ILogger _logger;
    private readonly Batcher<(PendingMessage Message, PublishAnswer Answer)> _batcher;

    /// <param name="sync">The store's, where it is in this process.</param>
    /// <param name="flushers">Write what was said to the room's members meanwhile: they go first.</param>
    /// <param name="logger">Hears of failures.</param>
    public SyncedAnswers(IStoreSync sync, Flushers flushers, ILogger<SyncedAnswers> logger)
    {
        (_sync, _flushers, _logger) = (sync.IsNeeded ? sync : null, flushers, logger);
        _batcher = new Batcher<(PendingMessage, PublishAnswer)>(Capacity, GiveWhenSyncedAsync);
    }

    /// <summary>Gives a message its answer. Those that wait keep the order of the calls.</summary>
    public void Give(PendingMessage message, PublishAnswer answer)
    {
        if (_sync is null)
            message.Session.OnPublished(message, answer);
        else if (!_batcher.TryPost((message, answer)))
            message.Session.OnPublished(message, Unknown(answer));
    }

    private async Task GiveWhenSyncedAsync(IReadOnlyList<(PendingMessage Message, PublishAnswer Answer)> gathered)
    {
        var isSynced = false;
        try
        {
            await _flushers.WrittenAsync();
            await _sync!.SyncAsync();
            isSynced = true;
        }
        catch (Exception e)
        {
            LogNotSynced(e);
        }

        for (var i = 0; i < gathered.Count; i++)
        {
            var (message, answer) = gathered[i];
            try
            {
                message.Session.OnPublished(message, isSynced ? answer : Unknown(answer));
            }
            catch (Exception e)
            {
                LogNotGiven(e, message.Session.ClientId); // The others', of all rooms, are given.
            }
        }
    }

    private static PublishAnswer Unknown(PublishAnswer answer) => answer.Error is null ? PublishAnswer.Refused(ChatError.Unavailable) : answer;

    [LoggerMessage(Level = LogLevel.Debug, Message = "What was stored is not known to be on the disk")]
    private partial void LogNotSynced(Exception e);

    [LoggerMessage(Level = LogLevel.Error, Message = "Connection {ClientId} was not given an answer")]
    private partial void LogNotGiven(Exception e, string clientId);
}
