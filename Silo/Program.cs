using Microsoft.Extensions.Options;
using OrleansChat.Silo;

try
{
    await SiloApp.Build(args).RunAsync();
    return 0;
}
catch (Exception e) when (e is OptionsValidationException or InvalidOperationException { InnerException: ArgumentException or FormatException })
{
    // A sentence that names the key; where it came from in our code helps nobody.
    await Console.Error.WriteLineAsync(e.Message);
    return 1;
}
