namespace OrleansChat.Tests.Streams;

/// <summary>Every wait of these tests ends: with what was waited for, or with a sentence that says what did not happen.</summary>
internal static class Within
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    public static async Task<T> LimitAsync<T>(Task<T> wait, string what)
    {
        try
        {
            return await wait.WaitAsync(Limit, TestContext.Current.CancellationToken);
        }
        catch (TimeoutException timeout) when (!wait.IsCompleted)
        {
            throw new TimeoutException($"Within {Limit.TotalSeconds} s this did not happen: {what}.", timeout);
        }
    }

    public static async Task LimitAsync(Task wait, string what) => await LimitAsync(Done(wait), what);

    private static async Task<bool> Done(Task wait)
    {
        await wait;
        return true;
    }
}
