using OrleansChat.Hosting;
using OrleansChat.Silo;

return await ChatProcess.RunAsync(() => SiloApp.Build(args));
