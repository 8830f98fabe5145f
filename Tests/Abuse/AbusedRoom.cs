using Microsoft.Extensions.Logging;
using OrleansChat.Tests.Support;

namespace OrleansChat.Tests.Abuse;

/// <summary>An application, and a room in which Alice and Bob talk whatever others do to the server.</summary>
public class AbusedRoom : IAsyncLifetime
{
    internal const string Room = "calm";

    private ChatApp? _app;
    private ChatClient? _alice;
    private ChatClient? _bob;
    private int _linesAtStart;
    private int _abusers;

    internal ChatApp App => _app!;

    internal ChatClient Alice => _alice!;

    internal ChatClient Bob => _bob!;

    /// <summary>Configuration keys that are to be otherwise.</summary>
    protected virtual (string Key, string Value)[] Settings => [];

    /// <summary>A user id that nobody had yet.</summary>
    internal string NewUser() => $"mallory-{Interlocked.Increment(ref _abusers)}";

    /// <summary>Connects an abuser, who joins the room like everybody else.</summary>
    internal async Task<RawSocket> JoinAsync(int? receiveBuffer = null)
    {
        var socket = await RawSocket.UpgradeAsync(App.Address, NewUser(), receiveBuffer);
        await socket.SayAsync($$$"""{"type":"join_room","payload":{"room":"{{{Room}}}"}}""");
        await socket.UntilAsync("\"type\":\"room_joined\"");
        return socket;
    }

    /// <summary>Bob hears what Alice says, and the log has no complaint: nothing from Warning on, no stack trace at any level that is on.</summary>
    internal async Task IsUndisturbedAsync()
    {
        var text = Guid.NewGuid().ToString("N");
        await Alice.PublishAsync(Room, text, text);
        await Bob.UntilAsync($$"""{"type":"chat_message","room":"{{Room}}","seq":"*","userId":"alice","username":"alice","message":"{{text}}","timestamp":"*"}""");
        Assert.Empty(Complaints());
    }

    public async ValueTask InitializeAsync()
    {
        _app = await ChatApp.StartAsync(Settings);
        _alice = await _app.JoinAsync("alice", Room);
        _bob = await _app.JoinAsync("bob", Room);
        _linesAtStart = _app.Logs.Lines.Count;
    }

    public async ValueTask DisposeAsync()
    {
        await Alice.DisposeAsync();
        await Bob.DisposeAsync();
        await App.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    // Orleans' own warnings of a busy machine are no answer to abuse.
    private IEnumerable<CapturedLogs.Line> Complaints() => App.Logs.Lines.Skip(_linesAtStart).Where(line =>
        !line.Category.StartsWith("Orleans.", StringComparison.Ordinal)
        && (line.Level >= LogLevel.Warning || (line.Level >= LogLevel.Information && line.Details.Contains("   at ", StringComparison.Ordinal))));
}
