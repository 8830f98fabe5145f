using OrleansChat.WebFront;
using OrleansChat.WebFront.Auth;

var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });
builder.AddWeb();
builder.AddEmbeddedSilo();
builder.Services.AddAuth();
builder.Services.AddFront();

var app = builder.Build();
app.UsePage();
app.MapAuth();
app.MapHealth();
app.MapChat();
await app.RunAsync();
