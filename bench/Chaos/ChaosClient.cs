using System.Collections.Concurrent;
using System.Text.Json;

namespace OrleansChat.Chaos;

/// <summary>
/// One user, as a good client is: connects to any front, joins every room where it left off, and when the connection ends does so again after a back-off.
/// It keeps its own record of everything it was given.
/// </summary>
internal sealed class ChaosClient(string userId, IReadOnlyList<Uri> fronts, int rooms, Token token, Journal journal, Clock clock)
{
    /// <summary>The server takes one request after the other, and allows itself 7 s for each.</summary>
    private static readonly TimeSpan JoinLimit = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly TaskCompletionSource<Connection>[] _joined = [.. Enumerable.Range(0, rooms).Select(_ => NewWait())];
    private readonly ConcurrentDictionary<string, long> _since = new(StringComparer.Ordinal);
    private Connection? _connection;
    private int _joins;

    public string UserId => userId;

    public RoomView[] Views { get; } = [.. Enumerable.Range(0, rooms).Select(room => new RoomView(userId, Said.NameOf(room), journal))];

    public bool IsInAllRooms => _joined.All(joined => joined.Task.IsCompleted);

    /// <summary>The connection in which a room is joined; waits for one.</summary>
    public Task<Connection> InRoomAsync(int room, CancellationToken cancellation)
    {
        lock (_gate)
            return _joined[room].Task.WaitAsync(cancellation);
    }

    /// <summary>Cuts the connection under it.</summary>
    public void Cut() => _connection?.Abort();

    public async Task RunAsync(CancellationToken stop)
    {
        var pause = FirstPause;
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await ConnectAsync(() => pause = FirstPause, stop);
            }
            catch (ConnectionLostException)
            {
                journal.Count("connections refused, or broken while joining");
            }
            catch (OperationCanceledException)
            {
                return;
            }

            await clock.Delay(pause * (0.5 + Random.Shared.NextDouble()), stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }
    }

    private static TaskCompletionSource<Connection> NewWait() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>One connection, from its start to its end.</summary>
    private async Task ConnectAsync(Action onJoined, CancellationToken stop)
    {
        var front = fronts[Random.Shared.Next(fronts.Count)];
        await using var connection = await Connection.OpenAsync(front, token.For(userId), OnFrame, stop);
        _connection = connection;
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var joining = Task.WhenAll(Enumerable.Range(0, rooms).Select(room => JoinAsync(connection, room, ended.Token)));
        try
        {
            if (await Task.WhenAny(joining, connection.Ended).WaitAsync(stop) == joining)
            {
                await joining;
                onJoined();
            }

            journal.Count(Name(await connection.Ended.WaitAsync(stop)));
        }
        finally
        {
            await ended.CancelAsync();
            await joining.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await connection.DisposeAsync();
            OnCut();
        }
    }

    private async Task JoinAsync(Connection connection, int room, CancellationToken ended)
    {
        for (var pause = FirstPause; ; pause = pause * 2 < LongestPause ? pause * 2 : LongestPause)
        {
            try
            {
                var id = FormattableString.Invariant($"join-{room}-{Interlocked.Increment(ref _joins)}");
                var answer = await connection.AskAsync(id, Join(room, id), JoinLimit, ended);
                if (answer.GetProperty("type").GetString() == "room_joined")
                {
                    lock (_gate)
                    {
                        if (!_joined[room].TrySetResult(connection))
                            (_joined[room] = NewWait()).SetResult(connection);
                    }

                    return;
                }

                var code = answer.GetProperty("code").GetString();
                journal.Count($"joins answered '{code}'");
                if (code != "unavailable")
                    journal.Violate(ViolationKind.Refused, Said.NameOf(room), $"{userId} may not join: {answer}");
            }
            catch (TimeoutException)
            {
                journal.Count($"joins not answered within {JoinLimit.TotalSeconds} s");
            }

            await clock.Delay(pause * (0.5 + Random.Shared.NextDouble()), ended);
        }
    }

    private string Join(int room, string id)
    {
        var since = "";
        if (Views[room].Position is { } position)
        {
            since = FormattableString.Invariant($$""","since":{{position.Seq}},"epoch":"{{position.Epoch}}" """);
            _since[id] = position.Seq;
        }

        return $$$"""{"type":"join_room","id":"{{{id}}}","payload":{"room":"{{{Said.NameOf(room)}}}"{{{since}}}}}""";
    }

    private void OnCut()
    {
        lock (_gate)
        {
            for (var room = 0; room < rooms; room++)
            {
                if (_joined[room].Task.IsCompleted)
                    _joined[room] = NewWait();
                Views[room].OnCut();
            }
        }
    }

    private void OnFrame(JsonElement frame)
    {
        switch (frame.GetProperty("type").GetString())
        {
            case "chat_message":
                View(frame).OnMessage(
                    frame.GetProperty("seq").GetInt64(), frame.GetProperty("userId").GetString()!, frame.GetProperty("message").GetString()!, frame.GetProperty("timestamp").GetInt64());
                break;
            case "room_joined":
                var recovered = frame.TryGetProperty("recovered", out var told) ? told.GetBoolean() : (bool?)null;
                var (epoch, head) = (frame.GetProperty("epoch").GetString()!, frame.GetProperty("seq").GetInt64());
                if (frame.TryGetProperty("id", out var id))
                    View(frame).OnJoined(epoch, head, recovered, _since.TryRemove(id.GetString()!, out var since) ? since : null);
                else
                    View(frame).OnJoinedUnasked(epoch, head, recovered);
                break;
        }
    }

    private RoomView View(JsonElement frame) => Array.Find(Views, view => view.Room == frame.GetProperty("room").GetString())!;

    private static string Name(int closeCode) =>
        closeCode == 0 ? "connections broken" : FormattableString.Invariant($"connections closed with {closeCode}");
}
