using Microsoft.Data.Sqlite;

namespace OrleansChat.Grains.Storage;

/// <summary>
/// Takes whatever gathered while its last transaction was under way, up to <see cref="TransactionLength"/> operations, into one transaction. A lone write commits at once.
/// </summary>
/// <remarks>
/// Callers hear of success after the commit. An operation that throws takes nobody along: the transaction is rolled back and each of its operations is done again in one of its own.
/// Where the commit itself fails, all of them fail, and whether they were kept is unknown.
/// </remarks>
/// <param name="session">The connection that writes.</param>
/// <param name="writes">What is to be written.</param>
/// <param name="sync">Nothing is written any more when it has failed. Null: there is no disk.</param>
/// <param name="checkpointer">Told of what was written, between two transactions.</param>
internal sealed class SqliteWriter(SqliteSession session, SqliteQueue writes, SqliteSync? sync, SqliteCheckpointer? checkpointer)
{
    /// <summary>Operations in one transaction, at most: bounds what a failing one makes to be done again, and the wait of the first.</summary>
    private const int TransactionLength = 1_024;

    private ISqliteCompanion? _companion;
    private int _pagesWritten;

    /// <summary>What <see cref="SqliteSession.PagesWritten"/> was after the last transaction, whoever asks.</summary>
    public int PagesWritten => Volatile.Read(ref _pagesWritten);

    /// <inheritdoc cref="SqliteFile.Accompany"/>
    public void Accompany(ISqliteCompanion companion)
    {
        if (Interlocked.CompareExchange(ref _companion, companion, null) is not null)
            throw new InvalidOperationException("A data file has one companion.");
    }

    /// <summary>Writes, on the thread that calls, until the queue is complete and empty.</summary>
    public void Run()
    {
        var gathered = new List<SqliteWork>();
        while (writes.Take(gathered, TransactionLength))
        {
            gathered.RemoveAll(work => work.Abandoned);
            if (sync?.Failure is { } failure)
                gathered.ForEach(work => work.Fail(failure));
            else if (gathered.Count > 0)
                Commit(gathered);
            checkpointer?.OnCommitted(PagesWritten);
            gathered.Clear();
        }
    }

    /// <summary>The last transaction of all, when <see cref="Run"/> has ended.</summary>
    public void Close()
    {
        if (_companion is null)
            return;
        try
        {
            session.Execute("BEGIN IMMEDIATE");
            _companion.Closing(session);
            session.Execute("COMMIT");
        }
        catch
        {
            RollBack();
            throw;
        }
    }

    private void Commit(List<SqliteWork> gathered)
    {
        try
        {
            session.Execute("BEGIN IMMEDIATE");
            foreach (var work in gathered)
                work.Run(session);
        }
        catch (Exception exception)
        {
            RollBack();
            if (gathered.Count == 1)
                gathered[0].Fail(exception);
            else
                gathered.ForEach(work => Commit([work]));
            return;
        }
        try
        {
            session.Execute("COMMIT");
            Volatile.Write(ref _pagesWritten, session.PagesWritten); // Before anyone hears that it is there, and asks for a sync.
            _companion?.Committed();
        }
        catch (SqliteException exception)
        {
            RollBack();
            gathered.ForEach(work => work.Fail(exception));
            if (exception.SqliteExtendedErrorCode == SqliteCheckpointer.SyncRefused)
                sync?.Refuse(exception);
            return;
        }
        gathered.ForEach(work => work.Succeed());
    }

    private void RollBack()
    {
        _companion?.RolledBack();
        if (session.InTransaction) // SQLite has rolled back by itself where there was no space.
            session.Execute("ROLLBACK");
    }
}
