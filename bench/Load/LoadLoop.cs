using System.Diagnostics;

namespace OrleansChat.Bench.Load;

/// <summary>All sockets of a run, on one thread: waits, reads what came, lets <see cref="Conversation"/> look at it, sends what it answers.</summary>
internal sealed class LoadLoop : IDisposable
{
    private const long LongestWait = 100_000_000; // ns: how soon a deadline is noticed
    private static readonly TimeSpan BeatEvery = TimeSpan.FromSeconds(10);

    private readonly Poller _poller = new();
    private readonly Conversation _conversation;
    private readonly IReadOnlyList<ServerAddress> _servers;
    private readonly byte[] _inbound = GC.AllocateUninitializedArray<byte>(1 << 20, pinned: true);
    private readonly long _start = Stopwatch.GetTimestamp();
    private readonly Queue<Client> _toOpen = new();
    private long _beatAt = Stopwatch.GetTimestamp();

    public LoadLoop(LoadPlan plan, Conversation conversation, IReadOnlyList<Client> clients)
    {
        (_servers, _conversation, Clients) = (plan.Servers, conversation, clients);
        Posix.SharpenTimers();
    }

    public IReadOnlyList<Client> Clients { get; }

    /// <summary>What decides when clients send; null: they do not.</summary>
    public Workload? Workload { get; set; }

    /// <summary>µs since the run began.</summary>
    public uint Now => (uint)(long)Stopwatch.GetElapsedTime(_start).TotalMicroseconds;

    public int Ready { get; private set; }

    /// <summary>Brings all clients into their rooms, so many at a time.</summary>
    public void Enter(int parallel)
    {
        foreach (var client in Clients)
            _toOpen.Enqueue(client);
        for (var i = 0; i < parallel; i++)
            OpenNext();
        for (var before = -1; Ready < Clients.Count;)
        {
            if (Ready == before)
                throw new LoadException($"{Ready} of {Clients.Count} clients are in their rooms, and for 20 s no other came in.");
            before = Ready;
            Run(TimeSpan.FromSeconds(20), () => Ready == Clients.Count);
        }
    }

    /// <summary>Lets things happen for so long, or until it is enough.</summary>
    public void Run(TimeSpan time, Func<bool>? isEnough = null)
    {
        var end = Stopwatch.GetTimestamp() + (long)(time.TotalSeconds * Stopwatch.Frequency);
        while (isEnough?.Invoke() != true && Stopwatch.GetTimestamp() is var now && now < end)
        {
            var wait = Math.Min(LongestWait, end - now);
            if (Workload?.Due is { } due)
                wait = Math.Min(wait, Math.Max(0, (int)(due - Now)) * 1_000L);
            Turn(wait);
            Workload?.Tick(this, Now);
            if (Stopwatch.GetElapsedTime(_beatAt) > BeatEvery)
                Beat();
        }
    }

    /// <summary>Writes a client's next message; <see cref="Flush"/> sends it.</summary>
    /// <param name="client">Who sends.</param>
    /// <param name="time">When it is, or was meant to be, sent.</param>
    public void Publish(Client client, uint time) => _conversation.Publish(client, time);

    /// <summary>Sends what was written for a client.</summary>
    public void Flush(Client client)
    {
        var bytes = _conversation.Sink.Written;
        if (bytes.IsEmpty)
            return;
        if (client.Unsent.Length > 0)
            client.Unsent = [.. client.Unsent, .. bytes];
        else if (client.Phase is not ClientPhase.Closed)
            Send(client, bytes);
        _conversation.Sink.Clear();
    }

    /// <summary>Says goodbye to all servers, and forgets them.</summary>
    public void Dispose()
    {
        foreach (var client in Clients)
        {
            if (client.Phase is ClientPhase.Entering or ClientPhase.Ready)
            {
                _conversation.Sink.Close();
                Flush(client);
            }

            Close(client);
        }

        _poller.Dispose();
    }

    private void OpenNext()
    {
        if (!_toOpen.TryDequeue(out var client))
            return;
        client.Descriptor = Posix.Connect(_servers[client.Place % _servers.Count].EndPoint, client.Index);
        if (client.Descriptor < 0)
            throw new LoadException($"Connection {client.Index} cannot be opened: {Posix.LastErrorText}.");
        _poller.Watch(client.Descriptor, client.Index, Posix.PollIn | Posix.PollOut);
    }

    private void Turn(long wait)
    {
        var count = _poller.Wait(wait);
        for (var i = 0; i < count; i++)
        {
            var (key, events) = _poller[i];
            var client = Clients[key];
            if (client.Phase is ClientPhase.Closed)
                continue;
            if ((events & Posix.PollOut) != 0)
                OnWritable(client);
            if ((events & ~Posix.PollOut) != 0)
                Receive(client);
        }
    }

    private void OnWritable(Client client)
    {
        if (client.Phase is ClientPhase.Connecting)
        {
            client.Phase = ClientPhase.Upgrading;
            _poller.Change(client.Descriptor, client.Index, Posix.PollIn);
            _conversation.Ask(client, _servers[client.Place % _servers.Count]);
            Flush(client);
            return;
        }

        var unsent = client.Unsent;
        client.Unsent = [];
        _poller.Change(client.Descriptor, client.Index, Posix.PollIn);
        Send(client, unsent);
    }

    private void Receive(Client client)
    {
        var rest = client.Rest;
        rest.CopyTo(_inbound, 0);
        var count = Posix.Receive(client.Descriptor, _inbound.AsSpan(rest.Length));
        if (count < 0 && Posix.LastError == Posix.Again)
            return;
        if (count <= 0)
        {
            Lose(client, count == 0 ? "the server ended it" : Posix.LastErrorText);
            return;
        }

        var wasReady = client.Phase is ClientPhase.Ready;
        var bytes = _inbound.AsSpan(0, rest.Length + count);
        var used = _conversation.Take(client, bytes, this);
        if (used != bytes.Length || rest.Length > 0)
            client.Rest = bytes[used..].ToArray();
        if (bytes.Length - used == _inbound.Length)
            throw new LoadException("The server sent a frame of over 1 MiB.");
        Flush(client);
        if (client.Phase is ClientPhase.Closed)
        {
            Lose(client, "a close frame");
        }
        else if (!wasReady && client.Phase is ClientPhase.Ready)
        {
            Ready++;
            OpenNext();
        }
    }

    private void Send(Client client, ReadOnlySpan<byte> bytes)
    {
        var sent = Posix.Send(client.Descriptor, bytes);
        if (sent == bytes.Length)
            return;
        if (sent < 0 && Posix.LastError != Posix.Again)
        {
            Lose(client, Posix.LastErrorText);
            return;
        }

        client.Unsent = bytes[Math.Max(0, sent)..].ToArray();
        _poller.Change(client.Descriptor, client.Index, Posix.PollIn | Posix.PollOut);
    }

    private void Lose(Client client, string why)
    {
        if (client.Phase is not ClientPhase.Ready and not ClientPhase.Closed)
            throw new LoadException($"Connection {client.Index} ended before it was in its room: {why}.");
        _conversation.OnLost(client, why);
        Close(client);
    }

    private static void Close(Client client)
    {
        client.Phase = ClientPhase.Closed;
        if (client.Descriptor >= 0)
            _ = Posix.Close(client.Descriptor);
        client.Descriptor = -1;
    }

    private void Beat()
    {
        _beatAt = Stopwatch.GetTimestamp();
        foreach (var client in Clients)
        {
            if (client.Phase is not ClientPhase.Ready || !_conversation.Beat())
                continue;
            Flush(client);
        }
    }
}
