using Microsoft.Extensions.Options;

namespace OrleansChat.Hosting;

/// <summary>A process from its start to its end, and what its exit code says. Compiled into fronts and silos alike, which may not know each other.</summary>
internal static class ChatProcess
{
    /// <param name="build">Makes the application; it fails where the configuration does not fit.</param>
    /// <returns>The exit code: 0 where it ended as asked, even while it still started; 1 where it could not start, or could not go on.</returns>
    public static async Task<int> RunAsync(Func<WebApplication> build)
    {
        ThreadScheduling.LetRunningThreadsRun();
        IHostApplicationLifetime? lifetime = null;
        try
        {
            var app = build();
            lifetime = app.Lifetime;
            await app.RunAsync();
            return Environment.ExitCode; // 1 where the data file's disk ended it.
        }
        catch (Exception e) when (IsStarting(lifetime) && Reason(e) is { } reason)
        {
            // A sentence that names the key, the data file or the address in use; where it came from in our code helps nobody.
            await Console.Error.WriteLineAsync(reason);
            return 1;
        }
        catch (Exception) when (IsStarting(lifetime) && lifetime is { ApplicationStopping.IsCancellationRequested: true })
        {
            // SIGTERM broke the start off, wherever it was: that is what was asked for.
            return 0;
        }
    }

    /// <summary>What befalls a process that is up is told in full.</summary>
    private static bool IsStarting(IHostApplicationLifetime? lifetime) => lifetime is not { ApplicationStarted.IsCancellationRequested: true };

    private static string? Reason(Exception exception) => exception switch
    {
        // Parts of the start that ran side by side, some broken off by what befell another.
        AggregateException several => several.InnerExceptions.Select(Reason).FirstOrDefault(reason => reason is not null),
        OptionsValidationException or InvalidOperationException { InnerException: ArgumentException or FormatException } or IOException => exception.Message,
        _ => null,
    };
}
