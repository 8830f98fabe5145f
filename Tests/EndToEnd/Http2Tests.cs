using System.Net.Security;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using OrleansChat.Tests.Support;

namespace OrleansChat.Tests.EndToEnd;

/// <summary>WebSockets over TLS and over HTTP/2 (RFC 8441): no plain socket lies below, so bytes go another way.</summary>
public sealed class Http2Tests : IDisposable
{
    private readonly string _certificate = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.pfx");
    private readonly string _thumbprint;

    public Http2Tests()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=127.0.0.1", key, HashAlgorithmName.SHA256);
        var now = TimeProvider.System.GetUtcNow();
        using var certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        _thumbprint = certificate.GetCertHashString();
        File.WriteAllBytes(_certificate, certificate.Export(X509ContentType.Pkcs12, "test"));
    }

    public void Dispose() => File.Delete(_certificate);

    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public async Task A_conversation_over_TLS_goes_as_any_other(string version)
    {
        await using var app = await ChatApp.StartAsync(
            ("urls", "https://127.0.0.1:0"), ("Kestrel:Certificates:Default:Path", _certificate), ("Kestrel:Certificates:Default:Password", "test"));
        await TalkAsync(app, version);
    }

    [Fact]
    public async Task A_conversation_over_HTTP2_without_TLS_goes_as_any_other()
    {
        await using var app = await ChatApp.StartAsync(("Kestrel:EndpointDefaults:Protocols", "Http2"));
        await TalkAsync(app, "2.0");
    }

    private async Task TalkAsync(ChatApp app, string version)
    {
        using var handler = new SocketsHttpHandler { SslOptions = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate?.GetCertHashString() == _thumbprint } };
        using var over = new HttpMessageInvoker(handler);
        void Configure(ClientWebSocketOptions options)
        {
            options.HttpVersion = Version.Parse(version);
            options.HttpVersionPolicy = HttpVersionPolicy.RequestVersionExact;
            options.AddSubProtocol("orleanschat.v1");
        }

        var later = TimeProvider.System.GetUtcNow().AddHours(1);
        await using var alice = await ChatClient.ConnectAsync(app.Address, Tokens.For("alice", later), Configure, over: over);
        await using var bob = await ChatClient.ConnectAsync(app.Address, Tokens.For("bob", later), Configure, path: "/", over: over);
        Assert.Equal("orleanschat.v1", alice.SubProtocol);
        Assert.Equal("alice", (await alice.NextAsync()).GetProperty("userId").GetString());
        Assert.Equal("bob", (await bob.NextAsync()).GetProperty("userId").GetString());
        await alice.JoinAsync("general");
        await bob.JoinAsync("general");

        // More than fits into one write, one HTTP/2 window and one flow-control update.
        const int count = 300;
        var text = new string('x', 1_000);
        for (var i = 1; i <= count; i++)
            await alice.SendAsync($$$"""{"type":"chat_message","id":"m{{{i}}}","payload":{"room":"general","message":"{{{text}}}"}}""");
        for (var i = 1; i <= count; i++)
            await bob.ExpectAsync($$"""{"type":"chat_message","room":"general","seq":{{i}},"userId":"alice","username":"alice","message":"{{text}}","timestamp":"*"}""");

        await bob.CloseAsync();
        Assert.Equal(1000, (await bob.ClosedAsync()).Code);
        await alice.UntilAsync("""{"type":"user_left","room":"general","userId":"bob","username":"bob","members":1,"timestamp":"*"}""");
        await Assert.ThrowsAsync<WebSocketException>(() => ChatClient.ConnectAsync(app.Address, "bad", Configure, over: over));
    }
}
