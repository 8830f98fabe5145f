using Microsoft.Extensions.Options;
using OrleansChat.Silo;

IHostApplicationLifetime? lifetime = null;
try
{
    var app = SiloApp.Build(args);
    lifetime = app.Lifetime;
    await app.RunAsync();
    return 0;
}
catch (Exception e) when (IsStarting() && Reason(e) is { } reason)
{
    // A sentence that names the key or the address in use; where it came from in our code helps nobody.
    await Console.Error.WriteLineAsync(reason);
    return 1;
}
catch (Exception) when (IsStarting() && lifetime is { ApplicationStopping.IsCancellationRequested: true })
{
    // SIGTERM broke the start off, wherever it was: that is what was asked for.
    return 0;
}

// What befalls a process that is up is told in full.
bool IsStarting() => lifetime is not { ApplicationStarted.IsCancellationRequested: true };

static string? Reason(Exception exception) => exception switch
{
    // Parts of the start that ran side by side, some broken off by what befell another.
    AggregateException several => several.InnerExceptions.Select(Reason).FirstOrDefault(reason => reason is not null),
    OptionsValidationException or InvalidOperationException { InnerException: ArgumentException or FormatException } or IOException => exception.Message,
    _ => null,
};
