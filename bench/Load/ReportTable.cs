using System.Globalization;
using System.Text;

namespace OrleansChat.Bench.Load;

/// <summary>The report for people.</summary>
internal static class ReportTable
{
    public static string Write(LoadReport report)
    {
        var table = new StringBuilder();
        Line(table, "workload", $"{report.Workload}, {report.Dialect}: {report.Rooms} rooms × {report.Members} members × {report.Publishers} publishers, {Pace(report)}");
        Line(table, "connections", $"{report.Connections:N0}, {report.ConnectsPerSecond:N0}/s, {report.OtherFramesWhileConnecting:N0} frames while they came in");
        if (report.Publishers > 0)
        {
            Line(table, "delivered", $"{report.DeliveredPerSecond:N0}/s ({report.PublishedPerSecond:N0} messages/s for {report.Seconds:N1} s)");
            Line(table, "latency", Write(report.LatencyMs));
            if (report.Acks > 0)
                Line(table, "acks", $"{report.Acks:N0}, {Write(report.AckMs)}");
        }

        foreach (var server in report.Servers)
        {
            var cost = report.Publishers > 0 ? $", {server.CpuMicrosPerDelivery:N3} µs per delivery" : "";
            Line(table, $"process {server.Pid}", $"{server.CpuShare:P1} of a core{cost}, {server.Kib:N0} KiB, {server.KibPerConnection:N1} KiB per connection");
        }

        Line(table, "generator", $"{report.GeneratorCpuShare:P1} of a core");
        Line(table, "faults", report.Faults.Total == 0 ? "none" : Write(report.Faults));
        foreach (var note in report.Faults.Notes)
            Line(table, "", note);
        return table.ToString();
    }

    private static string Pace(LoadReport report) => report switch
    {
        { Publishers: 0 } => $"held for {report.Seconds:N0} s",
        { Rate: > 0 } => $"{report.Rate:N0} messages/s",
        { Window: > 0 } => $"{report.Window} in flight each",
        _ => "in rounds",
    };

    private static string Write(Times times) =>
        string.Create(CultureInfo.InvariantCulture, $"p50 {times.P50:N3} ms, p99 {times.P99:N3} ms, p99.9 {times.P999:N3} ms, max {times.Max:N3} ms");

    private static string Write(Faults faults) =>
        $"{faults.Skipped} skipped, {faults.Repeated} repeated, {faults.Foreign} of other rooms, {faults.SeqBreaks} seq breaks, {faults.Missing} missing, "
        + $"{faults.MissingAcks} acks missing, {faults.Errors} errors, {faults.Closed} connections lost";

    private static void Line(StringBuilder table, string name, string value) => table.Append(name.PadRight(16)).AppendLine(value);
}
