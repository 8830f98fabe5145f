using System.Collections.Concurrent;
using OrleansChat.Grains.Interfaces;
using OrleansChat.Tests.Support;

namespace OrleansChat.Tests.Cluster;

/// <summary>Says one thing after the other in a room, each with an id, and each again with the same id until it is acknowledged.</summary>
internal sealed class Speaker
{
    private readonly ConcurrentQueue<(int Count, TaskCompletionSource Reached)> _awaited = [];
    private readonly Task _talking;
    private readonly IRoomGrain _room;
    private readonly string _userId;
    private volatile bool _isEnough;

    public Speaker(IRoomGrain room, string userId)
    {
        (_room, _userId) = (room, userId);
        _talking = Task.Run(TalkAsync);
    }

    /// <summary>What was acknowledged, by seq. Complete after <see cref="StopAsync"/>.</summary>
    public ConcurrentDictionary<long, string> Acked { get; } = new();

    /// <summary>Ends when so many more are acknowledged.</summary>
    public Task MoreAsync(int count)
    {
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _awaited.Enqueue((Acked.Count + count, reached));
        return Task.WhenAny(reached.Task, _talking).Unwrap().Soon($"{count} more messages of {_userId} are acknowledged");
    }

    /// <summary>Finishes the message under way.</summary>
    public async Task StopAsync()
    {
        _isEnough = true;
        await _talking.Soon("the last message is acknowledged");
    }

    private async Task TalkAsync()
    {
        for (var i = 0; !_isEnough; i++)
        {
            var text = $"{_userId}-{i}";
            var answer = await SayAsync(new PublishRequest(_userId, _userId, text, text));
            Assert.True(Acked.TryAdd(answer.Seq, text), $"Seq {answer.Seq} was acknowledged twice.");
            if (_awaited.TryPeek(out var awaited) && Acked.Count >= awaited.Count && _awaited.TryDequeue(out _))
                awaited.Reached.SetResult();
        }
    }

    private async Task<PublishAnswer> SayAsync(PublishRequest request)
    {
        while (true)
        {
            try
            {
                return await _room.Publish(request);
            }
            catch (Exception e) when (e is ChatException { Error: ChatError.Unavailable } or TimeoutException or OrleansException)
            {
                // The outcome is not known: the same id again.
                TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
            }
        }
    }
}
