namespace OrleansChat.Streaming;

/// <summary>
/// A publish found its queue full: none of its events will be delivered, none of it was kept, nothing waited. The queue's consumers are slower
/// than its publishers. Publishing again makes sense once they have caught up; a publisher that keeps a log need not, its readers find the hole.
/// </summary>
[GenerateSerializer, Alias("chat.queue-full")]
public sealed class LocalQueueFullException : Exception
{
    /// <summary>Makes the exception without a text.</summary>
    public LocalQueueFullException()
    {
    }

    /// <summary>Makes the exception.</summary>
    /// <param name="message">Which queue, of what capacity.</param>
    public LocalQueueFullException(string message) : base(message)
    {
    }

    /// <summary>Makes the exception with its cause.</summary>
    /// <param name="message">Which queue, of what capacity.</param>
    /// <param name="innerException">The cause.</param>
    public LocalQueueFullException(string message, Exception innerException) : base(message, innerException)
    {
    }
}
