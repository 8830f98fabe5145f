using OrleansChat.WebFront;

await FrontApp.Build(args).RunAsync();
