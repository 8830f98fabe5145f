using Microsoft.Extensions.Options;
using OrleansChat.WebFront;

try
{
    await FrontApp.Build(args).RunAsync();
    return 0;
}
catch (Exception e) when (e is OptionsValidationException or InvalidOperationException { InnerException: ArgumentException or FormatException } or IOException)
{
    // A sentence that names the key, the data file or the address in use; where it came from in our code helps nobody.
    await Console.Error.WriteLineAsync(e.Message);
    return 1;
}
