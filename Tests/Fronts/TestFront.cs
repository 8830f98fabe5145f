using System.Buffers.Binary;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using OrleansChat.Grains.Interfaces;
using OrleansChat.Tests.Support;
using OrleansChat.WebFront;
using OrleansChat.WebFront.Auth;
using OrleansChat.WebFront.Frames;
using OrleansChat.WebFront.Rooms;
using OrleansChat.WebFront.Sockets;

namespace OrleansChat.Tests.Fronts;

/// <summary>A front without a web server: sessions that are handed JSON and whose outboxes are looked into, over grains of the test's making.</summary>
internal sealed class TestFront
{
    private int _sessions;

    /// <param name="options">No rate limit, where there are none.</param>
    /// <param name="sync">The store's, where the rooms are in the front's own process.</param>
    /// <param name="writing">The clock of its flushers; the system's where there is none.</param>
    public TestFront(FrontOptions? options = null, IStoreSync? sync = null, TimeProvider? writing = null)
    {
        Options = Microsoft.Extensions.Options.Options.Create(options ?? new FrontOptions { MessagesPerSecond = 0 });
        Claims = new FrontClaims(Options, Time);
        var answers = new SyncedAnswers(sync ?? new NoStoreSync(), new Flushers(writing ?? TimeProvider.System), NullLogger<SyncedAnswers>.Instance);
        Hub = new FrontHub(Cluster.Grains, sync is null ? new NoActiveRooms() : Cluster, Claims, answers, Time, NullLoggerFactory.Instance);
    }

    public TestTime Time { get; } = new();

    public FakeCluster Cluster { get; } = new();

    public IOptions<FrontOptions> Options { get; }

    public FrontClaims Claims { get; }

    public FrontHub Hub { get; }

    public TestSession Connect(string userId = "alice")
    {
        var connection = new Connection($"c{++_sessions}", Stream.Null, () => { }, new Flusher(TimeProvider.System), Options.Value, Time, NullLogger.Instance);
        var identity = new Identity(userId, userId.ToUpperInvariant(), new HashSet<string>(), Time.GetUtcNow().AddDays(1));
        var parts = new SessionParts(Hub, new FrameCodec(Options), null!, Cluster.Grains, Options, Time, NullLogger<Session>.Instance);
        var session = new Session(connection, identity, parts);
        Hub.Add(session);
        return new TestSession(session);
    }

    /// <summary>Lets the clock run until something is so, whenever so many wait for it.</summary>
    public async Task UntilAsync(Func<bool> condition, string what, int waiting = 1)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        var run = Task.Run(async () =>
        {
            while (!condition() && !end.IsCancellationRequested)
            {
                if (Time.Waiting >= waiting)
                    Time.Advance(TimeSpan.FromMilliseconds(20));
                await Task.Yield();
            }
        });
        try
        {
            await run.Soon(what);
        }
        finally
        {
            await end.CancelAsync();
        }
    }
}

/// <summary>A session and what it was sent, as literal JSON.</summary>
internal sealed class TestSession(Session session)
{
    private readonly List<string> _frames = [];

    public Session Session => session;

    public Task SendAsync(string json) => session.ReceiveAsync(Encoding.UTF8.GetBytes(json)).AsTask();

    /// <summary>All frames so far.</summary>
    public IReadOnlyList<string> Frames
    {
        get
        {
            lock (_frames)
            {
                var pieces = new List<ReadOnlyMemory<byte>>();
                while (session.Connection.Outbox.TryTake(pieces))
                {
                    _frames.AddRange(pieces.SelectMany(piece => Split(piece.ToArray())));
                    pieces.Clear();
                }

                return [.. _frames];
            }
        }
    }

    /// <summary>The payloads of WebSocket frames that stand one behind the other.</summary>
    public static IEnumerable<string> Split(byte[] bytes)
    {
        for (var at = 0; at < bytes.Length;)
        {
            var (start, length) = bytes[at + 1] switch
            {
                < 126 and var small => (at + 2, small),
                126 => (at + 4, BinaryPrimitives.ReadUInt16BigEndian(bytes.AsSpan(at + 2))),
                _ => (at + 10, (int)BinaryPrimitives.ReadUInt64BigEndian(bytes.AsSpan(at + 2))),
            };
            yield return Encoding.UTF8.GetString(bytes, start, length);
            at = start + length;
        }
    }
}
