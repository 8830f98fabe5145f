using System.Globalization;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Configuration;
using OrleansChat.Grains.Interfaces;

// A service of your own that talks in a room without a WebSocket: it joins the cluster as a client and calls the grains.
//   ConnectionStrings__Redis=localhost:6379 dotnet run --project samples/Announcer -- general "The lift works again"
if (args is not [var room, var text])
{
    await Console.Error.WriteLineAsync("""Usage: Announcer ROOM TEXT, as in: Announcer general "The lift works again" """);
    return 2;
}

if (!RoomName.IsValid(room))
{
    await Console.Error.WriteLineAsync($"'{room}' cannot name a room: 1 to {RoomName.MaxLength} letters, digits, '.', '_', '-', ':'.");
    return 2;
}

var builder = Host.CreateApplicationBuilder();
builder.Logging.SetMinimumLevel(LogLevel.Error);
var redis = builder.Configuration.GetConnectionString("Redis") ?? "localhost:6379";
builder.UseOrleansClient(client => client
    .UseRedisClustering(redis)
    .Configure<ClusterOptions>(cluster => (cluster.ClusterId, cluster.ServiceId) = ("orleanschat", "orleanschat")));
using var host = builder.Build();
await host.StartAsync();

var grain = host.Services.GetRequiredService<IGrainFactory>().GetGrain<IRoomGrain>(room);

// One id for all attempts: whatever happened to the first, the message is stored once.
var request = new PublishRequest("announcer", "Announcer", text, Guid.NewGuid().ToString("N"));
for (var attempt = 1; ; attempt++)
{
    try
    {
        var answer = await grain.Publish(request);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Stored as number {answer.Seq}. The last of the room:"));
        break;
    }
    catch (ChatException refusal) when (refusal.Error != ChatError.Unavailable)
    {
        await Console.Error.WriteLineAsync($"{refusal.Error}: {refusal.Message}");
        return 1;
    }
    catch (Exception failure) when (failure is ChatException or TimeoutException or OrleansException && attempt < 10)
    {
        await Task.Delay(TimeSpan.FromMilliseconds(200 * attempt), TimeProvider.System);
    }
}

foreach (var entry in (await grain.ReadBefore(long.MaxValue, limit: 10)).Entries)
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{entry.Seq,6}  {entry.Username}: {entry.Text}"));
await host.StopAsync();
return 0;
