using OrleansChat.Grains.Logs;
using OrleansChat.Grains.Storage;

namespace OrleansChat.Tests.Logs;

public sealed class SqliteFileLogStoreTests : SqliteLogStoreContract
{
    public SqliteFileLogStoreTests() : base(Path.Combine(Directory.CreateTempSubdirectory("chat-log-").FullName, "chat.db"))
    {
    }

    [Fact]
    public async Task A_file_that_is_closed_and_opened_again_holds_everything()
    {
        await Filled(3, 6);
        var log = await Reopen();
        Assert.True(await Store.AddFrontAsync(Room, log.Epoch, "front", Deadline));

        File.Dispose();
        using var again = new SqliteFile(DataPath);
        var store = new SqliteLogStore(again);

        AssertSame(log with { Fronts = ["front"] }, await store.OpenAsync(Room, create: false, Deadline));
        AssertSame([Batch(3), Batch(6)], await store.ReadAsync(Room, 1, 6, Deadline));
        Assert.True(await store.AppendAsync(Room, new LogPosition(log.Epoch, 6), Batch(7), Deadline));
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        Directory.Delete(Path.GetDirectoryName(DataPath)!, recursive: true);
    }
}
