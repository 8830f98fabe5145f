using OrleansChat.Grains.Logs;

namespace OrleansChat.Grains.Storage;

/// <summary>
/// Notices that the data file may have lost what was written last and not synced, which somebody may have seen: the machine went down while a process had the file
/// open, or the disk refused. From then on the file is in another life, and seqs of before are not to be trusted.
/// </summary>
internal static class SqliteLife
{
    /// <summary>A process opens the file.</summary>
    /// <param name="session">The writer's.</param>
    /// <param name="bootId">Another one each time the machine is started.</param>
    /// <param name="wasRefused">Whether the disk refused when it was open the last time.</param>
    /// <returns>A name nobody has used; empty in the first life.</returns>
    public static string Begin(SqliteSession session, string bootId, bool wasRefused)
    {
        session.Execute("INSERT INTO life SELECT '', '' WHERE NOT EXISTS (SELECT 1 FROM life)");
        session.Execute("UPDATE life SET name = CASE WHEN ?2 OR boot NOT IN ('', ?1) THEN ?3 ELSE name END, boot = ?1", bootId, wasRefused, LogEpoch.New());
        using var row = session.Query("SELECT name FROM life");
        row.Read();
        return row.GetString(0);
    }

    /// <summary>It closes it, and all is written.</summary>
    public static void End(SqliteSession session) => session.Execute("UPDATE life SET boot = ''");
}
