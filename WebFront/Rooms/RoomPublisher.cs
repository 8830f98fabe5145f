using OrleansChat.Grains.Interfaces;
using OrleansChat.Streaming;

namespace OrleansChat.WebFront.Rooms;

/// <summary>What this front's sessions say in a room, on its way to the grain: one call in flight, and what gathers meanwhile goes into the next.</summary>
internal sealed partial class RoomPublisher
{
    /// <summary>Messages that may wait for the grain call under way. One more is answered <c>unavailable</c>.</summary>
    private const int Capacity = 8_192;

    /// <summary>Messages in one grain call.</summary>
    private const int MaxBatch = 1_000;

    /// <summary>A call gets so much at least, however long its messages waited for those before.</summary>
    private static readonly TimeSpan LeastPatience = TimeSpan.FromSeconds(1);

    private readonly IRoomGrain _grain;
    private readonly IActiveRooms _active;
    private readonly SyncedAnswers _answers;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Batcher<PendingMessage> _batcher;

    public RoomPublisher(IRoomGrain grain, IActiveRooms active, SyncedAnswers answers, TimeProvider time, ILogger logger)
    {
        (_grain, _active, _answers, _time, _logger) = (grain, active, answers, time, logger);
        _batcher = new Batcher<PendingMessage>(Capacity, PublishAsync);
    }

    /// <summary>Takes a message; its session hears what became of it, within <see cref="Deadlines.Request"/> or, as Orleans looks at its calls once a second, a second more; where its store is in this process, <see cref="Deadlines.Sync"/> on top.</summary>
    public void Publish(PendingMessage message)
    {
        if (!_batcher.TryPost(message))
            message.Session.OnPublished(message, PublishAnswer.Refused(ChatError.Unavailable));
    }

    private async Task PublishAsync(IReadOnlyList<PendingMessage> messages)
    {
        for (var from = 0; from < messages.Count; from += MaxBatch)
        {
            var count = Math.Min(MaxBatch, messages.Count - from);
            var requests = new PublishRequest[count];
            for (var i = 0; i < count; i++)
                requests[i] = messages[from + i].Request;
            PublishAnswer[] answers;
            try
            {
                answers = await CallAsync(messages[from].Room, requests, Deadlines.Request - _time.GetElapsedTime(messages[from].PostedAt));
            }
            catch (Exception e)
            {
                LogFailed(e, messages[from].Room);
                answers = [.. requests.Select(_ => PublishAnswer.Refused(e is ChatException refusal ? refusal.Error : ChatError.Unavailable))];
            }

            for (var i = 0; i < count; i++)
                _answers.Give(messages[from + i], answers[i]);
        }
    }

    /// <summary>A call of Orleans ends by itself after <see cref="Deadlines.Call"/>: where there is time for that, it needs no timer of its own.</summary>
    private Task<PublishAnswer[]> CallAsync(string room, PublishRequest[] requests, TimeSpan left)
    {
        var patience = left > LeastPatience ? left : LeastPatience;
        if (_active.TryPublish(room, requests, out var answers))
            return answers.WaitAsync(patience < Deadlines.Call ? patience : Deadlines.Call, _time);
        var call = _grain.PublishBatch(requests);
        return left >= Deadlines.Call ? call : call.WaitAsync(patience, _time);
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "Room {Room} did not confirm a batch")]
    private partial void LogFailed(Exception e, string room);
}

/// <summary>A message on its way to the grain.</summary>
internal readonly record struct PendingMessage(Session Session, string Room, PublishRequest Request, long PostedAt);
