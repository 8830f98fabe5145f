using System.ComponentModel.DataAnnotations;

namespace OrleansChat.Streaming;

/// <summary>How large the local queues of one stream provider may grow. Checked when the provider is added.</summary>
public sealed class LocalQueueOptions
{
    /// <summary>
    /// Queues per silo, each read by one agent, so that as many cores can deliver at once. A stream belongs to the queue its id hashes to.
    /// Default 8, range 1–256. Silos may differ.
    /// </summary>
    [Range(1, 256)]
    public int QueueCount { get; set; } = 8;

    /// <summary>
    /// Publishes (each of one or more events) that may wait in one queue for its agent. One more, and the publish fails at once with
    /// <see cref="LocalQueueFullException"/>. Default 16,384, range 1–1,048,576.
    /// </summary>
    [Range(1, 1_048_576)]
    public int ChannelCapacity { get; set; } = 16_384;

    /// <summary>
    /// Publishes kept per stream for a consumer that has not taken them yet. A consumer that falls further behind loses the oldest;
    /// the others of its queue do not notice. Default 4,096, range 16–1,048,576.
    /// </summary>
    [Range(16, 1_048_576)]
    public int CacheSize { get; set; } = 4_096;

    /// <summary>
    /// How long the delivery of one batch is tried again after a failure, the same events each time, first a second later. Then it is given up
    /// and the next batch follows. The subscription stays either way. Default 1 min, range 1 ms–10 min.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:10:00")]
    public TimeSpan DeliveryTime { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>
    /// How long a silo that stops waits for its consumers to take what its grains published. Default 2 s, range 0–1 min; 0: what is not
    /// delivered yet is dropped.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:01:00")]
    public TimeSpan DrainTime { get; set; } = TimeSpan.FromSeconds(2);
}
