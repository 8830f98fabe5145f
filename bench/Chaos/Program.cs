using System.Runtime.InteropServices;
using OrleansChat.Chaos;

if (args is ["--help" or "-h"])
{
    Console.Out.WriteLine(ChaosOptions.Usage);
    return 0;
}

using var stop = new CancellationTokenSource();
using var interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
try
{
    return await new ChaosRun(ChaosOptions.Parse(args), TimeProvider.System, Console.Out).RunAsync(stop.Token) ? 0 : 1;
}
catch (ChaosException e)
{
    await Console.Error.WriteLineAsync(e.Message);
    return 2;
}
catch (OperationCanceledException) when (stop.IsCancellationRequested)
{
    await Console.Error.WriteLineAsync("Interrupted: nothing is proven.");
    return 2;
}

void Stop(PosixSignalContext signal)
{
    signal.Cancel = true;
    stop.Cancel();
}
