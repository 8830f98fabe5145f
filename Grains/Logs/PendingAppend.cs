using OrleansChat.Grains.Storage;

namespace OrleansChat.Grains.Logs;

/// <summary>An append that waits for others to be written with.</summary>
internal sealed class PendingAppend(JournalBatch batch, CancellationToken cancellation)
{
    public JournalBatch Batch => batch;

    public CancellationToken Cancellation => cancellation;

    /// <summary>Whether it was seen to, or somebody else does.</summary>
    public bool IsAnswered { get; set; }

    /// <summary>Set when it is about to be written.</summary>
    public LogTail? Tail { get; set; }

    /// <summary>Whether it was appended.</summary>
    public PendingAnswer<bool> Answer { get; } = new(cancellation);

    /// <summary>It is tried in another way, and what becomes of that is told.</summary>
    public async Task FollowAsync(Task<bool> other)
    {
        try
        {
            Answer.Succeed(await other);
        }
        catch (Exception e)
        {
            Answer.Fail(e);
        }
    }
}
