using Microsoft.Extensions.Logging;
using Orleans.Streams;
using OrleansChat.Grains.Interfaces;

namespace OrleansChat.Grains;

/// <summary>A grain's way to the feeds of fronts. What cannot be written is lost here and found again in the log: it delays and fails nobody.</summary>
internal sealed partial class FeedWriter(IStreamProvider provider, string name, ILogger logger)
{
    private readonly int _partition = Feeds.PartitionOf(name);
    private readonly Dictionary<string, IAsyncStream<FeedEvent>> _streams = new(StringComparer.Ordinal);

    /// <summary>Hands an event to each of the fronts.</summary>
    public void Write(string[] fronts, FeedEvent news)
    {
        foreach (var front in fronts)
            Write(front, news);
    }

    /// <summary>Hands an event to a front.</summary>
    public void Write(string front, FeedEvent news)
    {
        if (!_streams.TryGetValue(front, out var stream))
            _streams[front] = stream = provider.GetStream<FeedEvent>(Feeds.Stream(front, _partition));
        var written = stream.OnNextAsync(news);
        if (!written.IsCompletedSuccessfully)
            _ = ObserveAsync(written, front);
    }

    /// <summary>Forgets a front that is gone.</summary>
    public void Forget(string front) => _streams.Remove(front);

    private async Task ObserveAsync(Task written, string front)
    {
        try
        {
            await written;
        }
        catch (Exception e)
        {
            LogNotWritten(e, front, name);
        }
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "The feed of front {Front} did not take an event of {Name}; the front will find it in the log")]
    private partial void LogNotWritten(Exception e, string front, string name);
}
