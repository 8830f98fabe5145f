using System.Net;
using System.Text.Json;
using OrleansChat.Tests.Support;

namespace OrleansChat.Tests.EndToEnd;

/// <summary>The answer to a WebSocket handshake, seen as the HTTP that it is.</summary>
internal sealed record Upgrade(HttpStatusCode Status, string Headers, string Body)
{
    private static readonly HttpClient Http = new();

    public JsonElement Problem => JsonElement.Parse(Body);

    /// <summary>Asks for an upgrade as RFC 6455 does.</summary>
    /// <param name="address">The application's.</param>
    /// <param name="path">Path and query.</param>
    /// <param name="headers">What is sent beside the handshake's own headers, or instead of them; an empty value: not at all.</param>
    public static async Task<Upgrade> AskAsync(Uri address, string path = "/ws", params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(address, path));
        (string Name, string Value)[] handshake =
            [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")];
        foreach (var (name, value) in handshake.Where(own => !headers.Any(other => other.Name == own.Name)).Concat(headers).Where(header => header.Value.Length > 0))
            Assert.True(request.Headers.TryAddWithoutValidation(name, value));
        using var response = await Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken).Soon("the server answers the handshake");
        var body = response.StatusCode == HttpStatusCode.SwitchingProtocols ? "" : await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        return new Upgrade(response.StatusCode, $"{response.Headers}{response.Content.Headers}", body);
    }

    /// <summary>Asks with a token in <c>Authorization</c>.</summary>
    public static Task<Upgrade> AskAsAsync(Uri address, string token, params (string Name, string Value)[] headers) =>
        AskAsync(address, "/ws", [("Authorization", $"Bearer {token}"), .. headers]);
}
