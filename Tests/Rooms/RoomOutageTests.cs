using Microsoft.Extensions.Logging;
using OrleansChat.Grains;
using OrleansChat.Tests.Support;

namespace OrleansChat.Tests.Rooms;

public sealed class RoomOutageTests
{
    [Fact]
    public void Of_an_outage_of_many_failures_one_warning_names_the_cause_and_one_line_the_end_and_so_of_the_next()
    {
        using var logs = new CapturedLogs();
        var outage = new RoomOutage("lobby", logs.CreateLogger("room"));

        outage.End();
        Assert.Empty(logs.Lines);

        foreach (var cause in new[] { "first", "second", "third" })
            outage.Note(new IOException(cause));
        outage.End();
        outage.End();
        outage.Note(new IOException("fourth"));

        Assert.Equal(
            [LogLevel.Warning, LogLevel.Debug, LogLevel.Debug, LogLevel.Information, LogLevel.Warning],
            logs.Lines.Select(line => line.Level));
        Assert.Contains("first", logs.Lines.First().Details, StringComparison.Ordinal);
        Assert.All(logs.Lines, line => Assert.Contains("lobby", line.Message, StringComparison.Ordinal));
    }
}
