using OrleansChat.Grains.Storage;

namespace OrleansChat.Tests.Logs;

public sealed class SqliteMemoryLogStoreTests : SqliteLogStoreContract
{
    public SqliteMemoryLogStoreTests() : base(SqliteFile.InMemory)
    {
    }
}
