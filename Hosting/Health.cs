namespace OrleansChat.Hosting;

/// <summary>What whoever starts and stops processes asks them over HTTP.</summary>
internal static class Health
{
    /// <summary><c>/healthz/live</c>: the process runs. <c>/healthz/ready</c>: 200, or 503 while it is of no use to others.</summary>
    /// <param name="app">The application, built.</param>
    /// <param name="isReady">Whether it is of use, right now.</param>
    public static void MapHealth(this WebApplication app, Func<bool> isReady)
    {
        app.MapGet("/healthz/live", context => context.Response.WriteAsync("live"));
        app.MapGet("/healthz/ready", context =>
        {
            var ready = isReady();
            context.Response.StatusCode = ready ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
            return context.Response.WriteAsync(ready ? "ready" : "not ready");
        });
    }
}
