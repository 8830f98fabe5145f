using OrleansChat.Hosting;
using OrleansChat.WebFront;

return await ChatProcess.RunAsync(() => FrontApp.Build(args));
