namespace OrleansChat.Grains.Storage;

/// <summary>Keeps something beside the database that has to follow its transactions. The writer calls it.</summary>
internal interface ISqliteCompanion
{
    /// <summary>It is committed; callers hear of it next.</summary>
    void Committed();

    /// <summary>It was rolled back, or nobody knows: only the database can be trusted.</summary>
    void RolledBack();

    /// <summary>The last transaction of all, before the file is closed. May throw: then it is rolled back.</summary>
    void Closing(SqliteSession session);
}
