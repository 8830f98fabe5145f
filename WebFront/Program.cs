using Microsoft.Extensions.Options;
using OrleansChat.WebFront;

try
{
    await FrontApp.Build(args).RunAsync();
    return 0;
}
catch (OptionsValidationException e)
{
    // A sentence that names the key; where it came from in our code helps nobody.
    await Console.Error.WriteLineAsync(e.Message);
    return 1;
}
