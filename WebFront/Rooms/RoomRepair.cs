namespace OrleansChat.WebFront.Rooms;

/// <summary>Mends holes in what a room was given: reads the log from the last seq delivered until nothing is missing. One at a time per room.</summary>
internal sealed partial class RoomRepair(LocalRoom room, TimeProvider time, ILogger logger)
{
    /// <summary>Entries read at once.</summary>
    public const int Page = 200;

    /// <summary>Entries shown to those who have a hole.</summary>
    public const int NewestHistory = 50;

    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(2);

    private int _isUnderWay;
    private int _isWanted;

    /// <summary>Sees to it that the log is read after this call.</summary>
    public void Start()
    {
        Volatile.Write(ref _isWanted, 1);
        if (Interlocked.Exchange(ref _isUnderWay, 1) == 0)
            _ = Task.Run(RunAsync);
    }

    private async Task RunAsync()
    {
        var pause = FirstPause;
        while (true)
        {
            Volatile.Write(ref _isWanted, 0);
            var before = room.Position;
            var step = await TryStepAsync();
            if (step is RepairStep.Done)
            {
                // A full fence: the look at what is wanted must not come before the write is seen, or a start in between starts nothing.
                Interlocked.Exchange(ref _isUnderWay, 0);
                if (Volatile.Read(ref _isWanted) == 0 || Interlocked.Exchange(ref _isUnderWay, 1) != 0)
                    return;
                pause = FirstPause;
                continue;
            }

            if (room.Position != before)
            {
                pause = FirstPause;
                await Task.WhenAll(room.WaitForSlow()).WaitAsync(LongestPause, time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                continue;
            }

            // No progress: the grain did not answer, or does not know yet what this front heard of.
            await Task.Delay(pause, time);
            pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }
    }

    private async Task<RepairStep> TryStepAsync()
    {
        if (room.IsEmpty && room.Holders == 0)
            return RepairStep.Done;
        try
        {
            var step = room.Mend(await room.Grain.Read(room.Position.Seq + 1, Page));
            if (step == RepairStep.BeginAnew)
            {
                room.BeginAnew(await room.Grain.ReadBefore(long.MaxValue, NewestHistory));
                room.Claim.Renew();
                return RepairStep.GoOn;
            }

            return step;
        }
        catch (Exception e)
        {
            LogFailed(e, room.Name);
            return RepairStep.GoOn;
        }
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "Room {Room}: the log could not be read to mend a hole; trying again")]
    private partial void LogFailed(Exception e, string room);
}
