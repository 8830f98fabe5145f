namespace OrleansChat.Tests.Support;

/// <summary>Runs code as a grain would: one turn at a time, and what is awaited goes on in a later one.</summary>
internal static class InTurns
{
    public static Task RunAsync(Func<Task> body) => RunAsync<Task>(body).Unwrap();

    public static Task<T> RunAsync<T>(Func<T> body) => Task.Factory.StartNew(
        body, TestContext.Current.CancellationToken, TaskCreationOptions.None, new ConcurrentExclusiveSchedulerPair().ExclusiveScheduler);
}
