namespace OrleansChat.Grains.Storage;

/// <summary>Keeps something beside the database that has to follow its transactions. The writer calls it.</summary>
internal interface ISqliteCompanion
{
    /// <summary>All operations of a transaction are done; what is written now is part of it. May throw: then it is rolled back.</summary>
    void Committing(SqliteSession session);

    /// <summary>It is committed; callers hear of it next.</summary>
    void Committed();

    /// <summary>It was rolled back, or nobody knows: only the database can be trusted.</summary>
    void RolledBack();
}
