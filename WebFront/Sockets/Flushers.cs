namespace OrleansChat.WebFront.Sockets;

/// <summary>A flusher per core; a connection stays with one, so its bytes stay in order.</summary>
internal sealed class Flushers(TimeProvider time)
{
    private readonly Flusher[] _all = [.. Enumerable.Range(0, Environment.ProcessorCount).Select(_ => new Flusher(time))];

    public Flusher Of(string clientId) => _all[(uint)clientId.GetHashCode(StringComparison.Ordinal) % _all.Length];
}
