namespace OrleansChat.Bench.Load;

/// <summary>Decides when clients send. After <see cref="Stop"/> they do not.</summary>
internal abstract class Workload
{
    protected bool IsStopped { get; private set; }

    /// <summary>When <see cref="Tick"/> has something to do, in µs since the run began; null: what comes in decides.</summary>
    public virtual uint? Due => null;

    /// <summary>All clients are in their rooms: begins.</summary>
    public abstract void Begin(LoadLoop loop);

    /// <summary>A client got a message. What is published for this client is sent when all that came with it has been looked at.</summary>
    public virtual void OnDelivered(LoadLoop loop, Client client, in Marker marker)
    {
    }

    public virtual void Tick(LoadLoop loop, uint now)
    {
    }

    public void Stop() => IsStopped = true;

    public static Workload? Of(LoadPlan plan) => plan.Workload switch
    {
        WorkloadKind.Lockstep => new Lockstep(plan),
        WorkloadKind.Fanout when plan.Rate > 0 => new OpenFanout(plan),
        WorkloadKind.Fanout => new ClosedFanout(plan),
        _ => null,
    };
}

/// <summary>Every publisher keeps so many messages under way: one that comes back to it makes room for the next.</summary>
internal sealed class ClosedFanout(LoadPlan plan) : Workload
{
    public override void Begin(LoadLoop loop)
    {
        foreach (var client in loop.Clients)
        {
            for (var i = 0; i < plan.Window && client.Place < plan.Publishers; i++)
                loop.Publish(client, loop.Now);
            loop.Flush(client);
        }
    }

    public override void OnDelivered(LoadLoop loop, Client client, in Marker marker)
    {
        if (marker.Sender == client.Sender && client.Place < plan.Publishers && !IsStopped)
            loop.Publish(client, loop.Now);
    }
}

/// <summary>The publishers take turns, so many messages a second whatever comes back; times count from when a message was meant to be sent.</summary>
internal sealed class OpenFanout(LoadPlan plan) : Workload
{
    private Client[] _publishers = [];
    private uint _beganAt;
    private long _sent;

    public override uint? Due => IsStopped ? null : _beganAt + (uint)(long)(_sent * 1e6 / plan.Rate);

    public override void Begin(LoadLoop loop)
    {
        _publishers = [.. loop.Clients.Where(client => client.Place < plan.Publishers)];
        _beganAt = loop.Now;
    }

    public override void Tick(LoadLoop loop, uint now)
    {
        while (Due is { } due && (int)(due - now) <= 0)
        {
            var client = _publishers[_sent++ % _publishers.Length];
            loop.Publish(client, due);
            loop.Flush(client);
        }
    }
}

/// <summary>Every client sends, and sends again when it has everybody's message of the round.</summary>
internal sealed class Lockstep(LoadPlan plan) : Workload
{
    private readonly Progress[] _progress = new Progress[plan.Connections];

    public override void Begin(LoadLoop loop)
    {
        foreach (var client in loop.Clients)
        {
            loop.Publish(client, loop.Now);
            loop.Flush(client);
        }
    }

    public override void OnDelivered(LoadLoop loop, Client client, in Marker marker)
    {
        ref var progress = ref _progress[client.Index];
        if (marker.Count == progress.Round)
            progress.Have++;
        else
            progress.Early++; // Who has the whole round already is one ahead, never two: the next needs this client.
        if (progress.Have < plan.Members)
            return;
        progress = new Progress(progress.Round + 1, progress.Early, 0);
        if (!IsStopped)
            loop.Publish(client, loop.Now);
    }

    private record struct Progress(uint Round, int Have, int Early);
}
