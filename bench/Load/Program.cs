using OrleansChat.Bench.Load;

// 0: done, no fault. 1: something was lost, doubled, out of order, refused. 2: the command makes no sense.
const int done = 0, faulty = 1, misused = 2;

var parsed = LoadCommand.Build(plan =>
{
    var report = LoadRun.Execute(plan);
    Console.Error.Write(ReportTable.Write(report));
    if (plan.Json)
        Console.Out.WriteLine(report.ToJson());
    return report.Faults.Total == 0 ? done : faulty;
}).Parse(args);

try
{
    var code = await parsed.InvokeAsync(new() { EnableDefaultExceptionHandler = false });
    return parsed.Errors.Count > 0 ? misused : code;
}
catch (LoadException e)
{
    Console.Error.WriteLine(e.Message);
    return misused;
}
