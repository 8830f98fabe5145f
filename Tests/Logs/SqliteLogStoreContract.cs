using OrleansChat.Grains.Logs;
using OrleansChat.Grains.Storage;

namespace OrleansChat.Tests.Logs;

/// <summary>The contract, where logs are kept in SQLite.</summary>
public abstract class SqliteLogStoreContract : LogStoreContract, IAsyncDisposable
{
    protected SqliteLogStoreContract(string dataPath)
    {
        DataPath = dataPath;
        File = new SqliteFile(dataPath);
        Store = new SqliteLogStore(File);
    }

    protected string DataPath { get; }

    private protected SqliteFile File { get; }

    private protected override ILogStore Store { get; }

    public virtual ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        File.Dispose();
        return ValueTask.CompletedTask;
    }

    protected override async Task DamageAsync(Damage damage)
    {
        Assert.False(await Store.ResetAsync(Room, new LogPosition("AAAAAAAAAAA", 0), Deadline)); // It moves the room out of the journal.
        await File.WriteAsync(
            session => damage switch
            {
                Damage.NoHeader => session.Execute("DELETE FROM log WHERE room = ?1", Room),
                Damage.NoBatches => session.Execute("DELETE FROM segment WHERE room = ?1", Room),
                Damage.OlderHeader => session.Execute("UPDATE log SET head = 3 WHERE room = ?1", Room),
                Damage.OlderBatches => session.Execute("DELETE FROM segment WHERE room = ?1 AND last = 6", Room),
                _ => throw new ArgumentOutOfRangeException(nameof(damage)),
            },
            Deadline);
    }
}
