using OrleansChat.Bench.SignalR;

// What ASP.NET Core's documentation would write; with REDIS, several of these are one through the Redis backplane. It is a yardstick: not to be made faster.
var builder = WebApplication.CreateBuilder(args);
builder.Logging.SetMinimumLevel(LogLevel.Warning);
var signalR = builder.Services.AddSignalR();
if (builder.Configuration["REDIS"] is { Length: > 0 } redis)
    signalR.AddStackExchangeRedis(redis);

await using var app = builder.Build();
app.MapHub<ChatHub>("/chat");
await app.RunAsync();
