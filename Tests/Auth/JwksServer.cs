using System.Buffers.Text;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace OrleansChat.Tests.Auth;

/// <summary>An issuer's key address on this machine; what it answers, and whether it does, is the test's to say.</summary>
internal sealed class JwksServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private int _requests;

    private JwksServer(WebApplication app) => _app = app;

    /// <summary>Answers a request.</summary>
    public RequestDelegate Answer { get; set; } = _ => Task.CompletedTask;

    public int Requests => Volatile.Read(ref _requests);

    public string Address => $"{_app.Urls.Single()}/keys";

    public static async Task<JwksServer> StartAsync(params string[] keys)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var server = new JwksServer(app);
        server.Publish(keys);
        app.MapGet("/keys", (HttpContext context) =>
        {
            Interlocked.Increment(ref server._requests);
            return server.Answer(context);
        });
        await app.StartAsync(TestContext.Current.CancellationToken);
        return server;
    }

    public void Publish(params string[] keys) => Answer = context => context.Response.WriteAsync($$"""{"keys":[{{string.Join(',', keys)}}]}""");

    public static string Rsa(RSA key, string? kid, string more = "")
    {
        var parameters = key.ExportParameters(includePrivateParameters: false);
        return $$"""{"kty":"RSA",{{Kid(kid)}}"n":"{{Base64Url.EncodeToString(parameters.Modulus)}}","e":"{{Base64Url.EncodeToString(parameters.Exponent)}}"{{more}}}""";
    }

    public static string Ec(ECDsa key, string? kid, string curve = "P-256")
    {
        var point = key.ExportParameters(includePrivateParameters: false).Q;
        return $$"""{"kty":"EC",{{Kid(kid)}}"use":"sig","crv":"{{curve}}","x":"{{Base64Url.EncodeToString(point.X)}}","y":"{{Base64Url.EncodeToString(point.Y)}}"}""";
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private static string Kid(string? kid) => kid is null ? "" : $"\"kid\":\"{kid}\",";
}
