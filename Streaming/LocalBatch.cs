using Orleans.Providers.Streams.Common;
using Orleans.Streams;

namespace OrleansChat.Streaming;

/// <summary>
/// The events of one publish. A consumer in the same process gets the very objects that were published; one elsewhere gets them by the wire,
/// without the stream's id, which the delivery carries once for all the batches in it. A publisher's request context does not travel.
/// </summary>
[GenerateSerializer, Immutable, Alias("chat.batch")]
internal abstract class LocalBatch : IBatchContainer
{
    [NonSerialized]
    private readonly StreamId _stream;

    [NonSerialized]
    private EventSequenceTokenV2? _token;

    protected LocalBatch(StreamId stream) => _stream = stream;

    /// <summary>The stream; the default value in a consumer's process.</summary>
    public StreamId StreamId => _stream;

    /// <summary>The place in its queue, given by the queue's reader. It changes after construction, once, before anyone asks for the token.</summary>
    [Id(0)]
    public long Sequence { get; internal set; }

    /// <summary>Made once it is asked for, which is after <see cref="Sequence"/> was given.</summary>
    public StreamSequenceToken SequenceToken => _token ??= new EventSequenceTokenV2(Sequence);

    public bool ImportRequestContext() => false;

    public abstract IEnumerable<Tuple<T, StreamSequenceToken>> GetEvents<T>();
}

/// <inheritdoc/>
/// <typeparam name="TEvent">The type the publisher's stream has. A consumer may ask for a base type or an interface of it.</typeparam>
[GenerateSerializer, Immutable, Alias("chat.batch-of`1")]
internal sealed class LocalBatch<TEvent> : LocalBatch
{
    [Id(0)]
    private readonly TEvent[] _events;

    public LocalBatch(StreamId stream, TEvent[] events) : base(stream) => _events = events;

    public override IEnumerable<Tuple<T, StreamSequenceToken>> GetEvents<T>()
    {
        for (var i = 0; i < _events.Length; i++)
            yield return Tuple.Create((T)(object)_events[i]!, i == 0 ? SequenceToken : new EventSequenceTokenV2(Sequence, i));
    }
}
