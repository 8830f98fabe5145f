using System.Text.Json;
using Microsoft.Data.Sqlite;
using OrleansChat.Tests.Support;

namespace OrleansChat.Tests.EndToEnd;

/// <summary>A process, its data file, and what is left when it dies.</summary>
public sealed class RestartTests : IDisposable
{
    private const int Enough = 300;

    private readonly string _directory = Directory.CreateTempSubdirectory("orleanschat-").FullName;

    private string DataPath => Path.Combine(_directory, "chat.db");

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task A_kill_in_the_middle_of_everything_loses_nothing_that_was_acknowledged_and_doubles_nothing()
    {
        var messages = new AcknowledgedMessages("general");
        string[] users = ["alice", "bob", "carol"];
        string epoch;
        using (var first = await FrontProcess.StartAsync(DataPath))
        {
            var clients = new List<ChatClient>();
            foreach (var user in users)
            {
                clients.Add(await ConnectAsync(first, user));
            }

            epoch = (await clients[0].JoinAsync("general")).GetProperty("epoch").GetString()!;
            foreach (var client in clients.Skip(1))
                await client.JoinAsync("general");
            var enough = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var publishing = clients.Select((client, i) => messages.PublishUntilCutAsync(client, users[i], () =>
            {
                if (messages.Count >= Enough)
                    enough.TrySetResult();
            })).ToList();
            await enough.Task.Soon("enough is acknowledged");
            await first.KillAsync();
            await Task.WhenAll(publishing).Soon("the publishers notice");
            foreach (var client in clients)
            {
                await messages.TakeRestAsync(client).Soon("all that came is read");
                await client.DisposeAsync();
            }
        }

        using var second = await FrontProcess.StartAsync(DataPath);
        messages.Check(await ReadAllAsync(second, epoch));
        foreach (var user in users)
        {
            await using var client = await ConnectAsync(second, user);
            await client.JoinAsync("general");
            await messages.RepeatAsync(client, user).Soon("all is repeated");
        }

        messages.Check(await ReadAllAsync(second, epoch));
        Assert.Equal(0, await second.StopAsync());
        // Orleans may say that the machine is slow; nothing else is amiss.
        Assert.DoesNotContain("warn: OrleansChat", second.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("fail:", second.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task After_a_power_cut_clients_are_told_that_they_may_have_seen_more_and_a_repeat_makes_no_second_message()
    {
        string epoch;
        using (var first = await FrontProcess.StartAsync(DataPath))
        {
            await using var alice = await ConnectAsync(first, "alice");
            epoch = await SayOneAsync(alice);
            await first.KillAsync();
        }

        await LeaveAsACutDoesAsync();

        using var second = await FrontProcess.StartAsync(DataPath);
        await using var again = await ConnectAsync(second, "alice");
        await again.SendAsync($$$"""{"type":"join_room","payload":{"room":"general","since":1,"epoch":"{{{epoch}}}"}}""");
        var joined = await again.ExpectAsync("""{"type":"room_joined","room":"general","members":1,"seq":1,"epoch":"*","recovered":false}""");
        Assert.NotEqual(epoch, joined.GetProperty("epoch").GetString());
        await again.ExpectAsync("""{"type":"chat_message","room":"general","seq":1,"userId":"alice","username":"*","message":"one","timestamp":"*","replay":true}""");
        await again.SendAsync("""{"type":"chat_message","id":"m1","payload":{"room":"general","message":"one"}}""");
        await again.ExpectAsync("""{"type":"ack","id":"m1","room":"general","seq":1,"timestamp":"*","duplicate":true}""");
        Assert.Single(await ReadAllAsync(second, joined.GetProperty("epoch").GetString()!));
    }

    [Fact]
    public async Task Threads_that_serve_let_the_running_one_run()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Its threads are scheduled as any other's elsewhere.");
        using var front = await FrontProcess.StartAsync(DataPath);
        await using var alice = await front.ConnectAsync("alice"); // The threads that read epoll are made by now.

        foreach (var name in new[] { "socket poller", ".NET Sockets", ".NET TP Worker", "sqlite writer", "sqlite sync", "sqlite mover" })
            Assert.Equal(["SCHED_BATCH"], front.SchedulingOf(name).Distinct(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_second_process_on_the_same_file_is_refused_with_a_sentence()
    {
        using var first = await FrontProcess.StartAsync(DataPath);
        var (exitCode, output) = await FrontProcess.RunAsync(DataPath);
        Assert.NotEqual(0, exitCode);
        Assert.Contains($"Chat:DataPath '{DataPath}' is in use by another process", output, StringComparison.Ordinal);
        await using var alice = await ConnectAsync(first, "alice");
        await alice.JoinAsync("general");
    }

    [Fact]
    public async Task SIGTERM_sends_clients_elsewhere_and_a_new_process_goes_on_where_they_were()
    {
        string epoch;
        using (var first = await FrontProcess.StartAsync(DataPath))
        {
            await using var alice = await ConnectAsync(first, "alice");
            epoch = await SayOneAsync(alice);
            Assert.Equal(0, await first.StopAsync());
            await alice.UntilAsync("""{"type":"reconnect","after":"*","reason":"*"}""");
            Assert.Equal(1001, (await alice.ClosedAsync()).Code);
        }

        using var second = await FrontProcess.StartAsync(DataPath);
        Assert.Equal("one", Assert.Single(await ReadAllAsync(second, epoch)).GetProperty("message").GetString());
    }

    private static async Task<ChatClient> ConnectAsync(FrontProcess front, string userId)
    {
        var client = await front.ConnectAsync(userId);
        await client.UntilAsync(
            $$"""{"type":"connected","userId":"{{userId}}","clientId":"*","username":"*","timestamp":"*","protocol":1,"heartbeat":"*","expiresAt":"*","limits":"*"}""");
        return client;
    }

    /// <summary>Joins the room and says "one" there.</summary>
    /// <returns>The room's epoch.</returns>
    private static async Task<string> SayOneAsync(ChatClient client)
    {
        var epoch = (await client.JoinAsync("general")).GetProperty("epoch").GetString()!;
        await client.PublishAsync("general", "m1", "one");
        return epoch;
    }

    /// <summary>The file says that it was open before the machine was started the last time.</summary>
    private async Task LeaveAsACutDoesAsync()
    {
        await using var file = new SqliteConnection($"Data Source={DataPath};Pooling=False");
        await file.OpenAsync(TestContext.Current.CancellationToken);
        await using var command = file.CreateCommand();
        command.CommandText = "UPDATE life SET boot = 'another'";
        Assert.Equal(1, await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken));
    }

    /// <summary>The room's whole log, the way a client that comes back gets it.</summary>
    private static async Task<List<JsonElement>> ReadAllAsync(FrontProcess front, string epoch)
    {
        await using var reader = await ConnectAsync(front, "reader");
        await reader.SendAsync($$$"""{"type":"join_room","payload":{"room":"general","since":0,"epoch":"{{{epoch}}}"}}""");
        var joined = await reader.ExpectAsync($$"""{"type":"room_joined","room":"general","members":"*","seq":"*","epoch":"{{epoch}}","recovered":true}""");
        var log = new List<JsonElement>();
        for (var left = joined.GetProperty("seq").GetInt64(); left > 0; left--)
            log.Add(await reader.NextAsync());
        return log;
    }
}
