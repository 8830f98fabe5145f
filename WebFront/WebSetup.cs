using Microsoft.AspNetCore.Connections;
using Microsoft.Net.Http.Headers;
using OrleansChat.WebFront.Sockets;

namespace OrleansChat.WebFront;

/// <summary>Kestrel, the page, health: what is web and not chat.</summary>
internal static class WebSetup
{
    // The page needs its own files and its own socket, and nothing else. 'self' covers ws: and wss: of the same host (CSP level 3).
    private const string ContentSecurityPolicy =
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

    /// <summary>How long requests and connections may take to end after SIGTERM.</summary>
    private static readonly TimeSpan ShutdownTimeout = TimeSpan.FromSeconds(25);

    public static void AddWeb(this WebApplicationBuilder builder)
    {
        var configuration = builder.Configuration;
        var isAddressed = configuration["urls"] is not null || configuration["http_ports"] is not null || configuration["https_ports"] is not null
            || configuration.GetSection("Kestrel:Endpoints").Exists();
        if (!isAddressed)
            builder.WebHost.UseUrls(builder.Environment.IsDevelopment() ? "http://localhost:8080" : "http://*:8080");

        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = 64 * 1024;
        });

        // Asked before Kestrel's own, which keeps what this one does not take.
        builder.Services.AddSingleton<IConnectionListenerFactory, TcpTransport>();
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = ShutdownTimeout);
    }

    public static void UsePage(this WebApplication app)
    {
        app.Use((context, next) =>
        {
            var headers = context.Response.Headers;
            headers.ContentSecurityPolicy = ContentSecurityPolicy;
            headers.XContentTypeOptions = "nosniff";
            headers["Referrer-Policy"] = "no-referrer";
            return next(context);
        });
        app.Use((context, next) => context.Request.Path == "/" && ChatEndpoint.IsUpgrade(context)
            ? context.RequestServices.GetRequiredService<ChatEndpoint>().AnswerAsync(context)
            : next(context));
        app.UseDefaultFiles();
        app.UseStaticFiles(new StaticFileOptions
        {
            // Small files that change with the server: the browser asks each time, and is mostly told that it has them.
            OnPrepareResponse = file => file.Context.Response.Headers[HeaderNames.CacheControl] = "no-cache",
        });
    }
}
