using OrleansChat.Grains.Interfaces;
using OrleansChat.Streaming;

namespace OrleansChat.WebFront.Rooms;

/// <summary>
/// What this front's sessions say in one room, on its way to the grain: one call in flight, and what gathers meanwhile goes into the next. Each session hears
/// what became of its messages.
/// </summary>
internal sealed partial class RoomPublisher
{
    /// <summary>Messages that may wait for the grain call under way. One more is answered <c>unavailable</c>.</summary>
    private const int Capacity = 8_192;

    /// <summary>Messages in one grain call.</summary>
    private const int MaxPublish = 1_000;

    private static readonly TimeSpan LeastWait = TimeSpan.FromSeconds(1);

    private readonly string _room;
    private readonly IRoomGrain _grain;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Batcher<PendingMessage> _batcher;

    public RoomPublisher(string room, IRoomGrain grain, TimeProvider time, ILogger logger)
    {
        (_room, _grain, _time, _logger) = (room, grain, time, logger);
        _batcher = new Batcher<PendingMessage>(Capacity, PublishAsync);
    }

    /// <summary>Takes a message; its session hears what became of it.</summary>
    public void Post(PendingMessage message)
    {
        if (!_batcher.TryPost(message))
            message.Session.OnPublished(message, PublishAnswer.Refused(ChatError.Unavailable));
    }

    private async Task PublishAsync(IReadOnlyList<PendingMessage> messages)
    {
        for (var from = 0; from < messages.Count; from += MaxPublish)
        {
            var count = Math.Min(MaxPublish, messages.Count - from);
            var requests = new PublishRequest[count];
            for (var i = 0; i < count; i++)
                requests[i] = messages[from + i].Request;
            PublishAnswer[] answers;
            try
            {
                var left = Deadlines.Request - _time.GetElapsedTime(messages[from].PostedAt);
                answers = await _grain.PublishBatch(requests).WaitAsync(left > LeastWait ? left : LeastWait, _time);
            }
            catch (Exception e)
            {
                LogPublishFailed(e, _room);
                answers = [.. requests.Select(_ => PublishAnswer.Refused(e is ChatException refusal ? refusal.Error : ChatError.Unavailable))];
            }

            for (var i = 0; i < count; i++)
                messages[from + i].Session.OnPublished(messages[from + i], answers[i]);
        }
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "Room {Room} did not confirm a batch")]
    private partial void LogPublishFailed(Exception e, string room);
}

/// <summary>A message on its way to the grain.</summary>
internal readonly record struct PendingMessage(Session Session, string Room, PublishRequest Request, long PostedAt);
