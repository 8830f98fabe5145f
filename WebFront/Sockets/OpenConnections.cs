using Microsoft.Extensions.Options;

namespace OrleansChat.WebFront.Sockets;

/// <summary>Counts the WebSockets that are open, are about to be, or whose leaving is still being told. Kestrel does not know of them: who stops the process waits for these.</summary>
internal sealed class OpenConnections(IOptions<FrontOptions> options)
{
    private int _count;

    public int Count => Volatile.Read(ref _count);

    /// <summary>Takes one of <see cref="FrontOptions.Connections"/>, before anything is waited for: those who come at the same time must not all find the last place free.</summary>
    /// <returns>False when none is left. Otherwise <see cref="Remove"/> has to follow.</returns>
    public bool TryAdd()
    {
        while (true)
        {
            var count = Count;
            if (options.Value.Connections is var limit and > 0 && count >= limit)
                return false;
            if (Interlocked.CompareExchange(ref _count, count + 1, count) == count)
                return true;
        }
    }

    public void Remove() => Interlocked.Decrement(ref _count);
}
