using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;
using OrleansChat.Grains.Interfaces;
using OrleansChat.WebFront.Auth;
using OrleansChat.WebFront.Frames;
using OrleansChat.WebFront.Rooms;
using OrleansChat.WebFront.Sockets;

namespace OrleansChat.WebFront;

/// <summary><c>/ws</c>: who may connect is decided before the upgrade; then one <see cref="Connection"/> runs to its end.</summary>
internal sealed partial class ChatEndpoint(
    SessionParts parts, FrontHub hub, FrontFeed feed, FrontClaims claims, TokenReader tokens, AuthOptions auth, OriginCheck origins, Flushers flushers, FrontDrain drain, OpenConnections open,
    IOptions<FrontOptions> options, TimeProvider time, ILogger<ChatEndpoint> logger)
{
    private const string AcceptGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; // RFC 6455 §1.3

    /// <summary>Whether a request asks for a WebSocket: HTTP/1.1 Upgrade (RFC 6455 §4.2.1) or HTTP/2 Extended CONNECT (RFC 8441).</summary>
    public static bool IsUpgrade(HttpContext context) =>
        context.Features.Get<IHttpExtendedConnectFeature>() is { IsExtendedConnect: true, Protocol: "websocket" }
        || (context.Features.Get<IHttpUpgradeFeature>() is { IsUpgradableRequest: true }
            && HttpProtocol.IsHttp11(context.Request.Protocol)
            && HttpMethods.IsGet(context.Request.Method)
            && context.Request.Headers.Upgrade.ToString().Equals("websocket", StringComparison.OrdinalIgnoreCase));

    public async Task AnswerAsync(HttpContext context)
    {
        if (!IsUpgrade(context) || !HasGoodHandshake(context.Request))
        {
            context.Response.Headers.Upgrade = "websocket";
            context.Response.Headers.SecWebSocketVersion = "13";
            await RefuseAsync(context, StatusCodes.Status426UpgradeRequired, "upgrade_required", "This address speaks WebSocket, version 13.");
            return;
        }

        if (!origins.IsAllowed(context.Request))
        {
            await RefuseAsync(context, StatusCodes.Status403Forbidden, "forbidden", "Pages of this origin may not connect.");
            return;
        }

        var reading = await tokens.ReadAsync(TokenLocation.Find(context.Request, auth.QueryToken), context.RequestAborted);
        if (!reading.IsGood)
        {
            await AuthProblem.WriteUnauthorizedAsync(context, reading.Refusal);
            return;
        }

        if (drain.IsStopping || claims.HasRunOut || !open.TryAdd())
        {
            await RefuseAsync(context, StatusCodes.Status503ServiceUnavailable, "unavailable", "This server takes no more connections.", retryAfter: "5");
            return;
        }

        var isConnected = false;
        try
        {
            isConnected = await ConnectAsync(context, reading.Identity);
        }
        finally
        {
            if (!isConnected)
                open.Remove();
        }
    }

    /// <returns>False when the request was refused.</returns>
    private async Task<bool> ConnectAsync(HttpContext context, Identity identity)
    {
        var clientId = Guid.CreateVersion7(time.GetUtcNow()).ToString("N");
        if (!await AdmitAsync(context, identity, clientId))
            return false;
        var plain = PlainOf(context);
        Stream stream;
        try
        {
            plain?.HoldBack();
            stream = await UpgradeAsync(context);
        }
        catch
        {
            plain?.HoldBack(false);
            await hub.LeaveAsync(identity.UserId, clientId);
            throw;
        }

        if (plain is not null)
            plain.HandOver(RunOn(clientId, identity));
        else
            await RunAsync(new Connection(clientId, stream, context.Abort, flushers.Of(clientId), options.Value, time, logger), identity);
        return true;
    }

    private async Task<bool> AdmitAsync(HttpContext context, Identity identity, string clientId)
    {
        bool admitted;
        try
        {
            // Who comes while the process still starts waits for it.
            await feed.FirstComplete.WaitAsync(Deadlines.Call, time, context.RequestAborted);
            admitted = await hub.AdmitAsync(identity.UserId, new UserSession(clientId, claims.FrontId, time.GetUtcNow().ToUnixTimeMilliseconds()));
        }
        catch (Exception e) when (e is ChatException or TimeoutException)
        {
            LogNotAdmitted(e, clientId);
            await RefuseAsync(context, StatusCodes.Status503ServiceUnavailable, "unavailable", "The cluster did not answer in time.", retryAfter: "1");
            return false;
        }

        if (!admitted)
            await RefuseAsync(context, StatusCodes.Status429TooManyRequests, "rate_limited", "This user has too many connections.", retryAfter: "10");
        return admitted;
    }

    /// <summary>What goes on when the request is over. Nothing of it is kept: this knows who came, and no more.</summary>
    private Action<Remains> RunOn(string clientId, Identity identity) => remains =>
    {
        var connection = new Connection(clientId, remains.Socket, remains.Early, flushers.Of(clientId), options.Value, time, logger);
        connection.Outbox.TryPost(remains.Answer);
        _ = RunAsync(connection, identity);
    };

    /// <summary>Runs a connection to its end. Does not throw; <see cref="OpenConnections"/> knows how many there are.</summary>
    private async Task RunAsync(Connection connection, Identity identity)
    {
        var session = new Session(connection, identity, parts);
        try
        {
            session.Send(Connected(session, identity));
            hub.Add(session);
            if (drain.IsStopping)
                connection.Close(CloseCode.GoingAway, FrontDrain.GoingAway); // it came after the drain had looked who is there
            LogConnected(session.ClientId, identity.UserId);
            await connection.RunAsync(session.ReceiveAsync);
        }
        catch (Exception e)
        {
            LogFailed(e, session.ClientId);
            connection.Abort();
        }

        await EndAsync(session);
    }

    private async Task EndAsync(Session session)
    {
        try
        {
            hub.Remove(session);
            LogDisconnected(session.ClientId);
            await Task.WhenAll(session.EndAsync(), hub.LeaveAsync(session.UserId, session.ClientId));
        }
        catch (Exception e)
        {
            LogFailed(e, session.ClientId);
        }
        finally
        {
            open.Remove();
        }
    }

    private ServerFrame.Connected Connected(Session session, Identity identity)
    {
        var limits = options.Value;
        return new ServerFrame.Connected(
            session.ClientId, identity.UserId, identity.Username, time.GetUtcNow().ToUnixTimeMilliseconds(), Protocol: 1,
            new HeartbeatTimes((long)limits.HeartbeatInterval.TotalMilliseconds, (long)limits.HeartbeatTimeout.TotalMilliseconds),
            identity.ExpiresAt.ToUnixTimeMilliseconds(),
            new FrameLimits(limits.FrameBytes, limits.MessageChars, limits.RoomsPerConnection));
    }

    /// <summary>The connection whose socket outlives the request; null where TLS or HTTP/2 lies between.</summary>
    private static TcpConnection? PlainOf(HttpContext context) =>
        HttpProtocol.IsHttp11(context.Request.Protocol) && context.Features.Get<ITlsConnectionFeature>() is null ? context.Features.Get<TcpConnection>() : null;

    /// <summary>Answers the handshake: the framework's own accept would put its framing between us and the socket.</summary>
    private static async Task<Stream> UpgradeAsync(HttpContext context)
    {
        var response = context.Response;
        if (OffersSubprotocol(context.Request))
            response.Headers.SecWebSocketProtocol = TokenLocation.Subprotocol;
        if (context.Features.Get<IHttpExtendedConnectFeature>() is { IsExtendedConnect: true } http2)
            return await http2.AcceptAsync();

        var key = context.Request.Headers.SecWebSocketKey.ToString();
        response.Headers.Connection = "Upgrade";
        response.Headers.Upgrade = "websocket";
        response.Headers.SecWebSocketAccept = AcceptValue(key);
        return await context.Features.GetRequiredFeature<IHttpUpgradeFeature>().UpgradeAsync();
    }

    [System.Diagnostics.CodeAnalysis.SuppressMessage("Security", "CA5350", Justification = "RFC 6455 §4.2.2 names SHA-1; nothing is secured by it.")]
    private static string AcceptValue(string key) => Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes(key + AcceptGuid)));

    private static bool HasGoodHandshake(HttpRequest request)
    {
        if (request.Headers.SecWebSocketVersion != "13")
            return false;
        if (request.HttpContext.Features.Get<IHttpExtendedConnectFeature>() is { IsExtendedConnect: true })
            return true;
        Span<byte> key = stackalloc byte[18];
        return Convert.TryFromBase64String(request.Headers.SecWebSocketKey.ToString(), key, out var length) && length == 16;
    }

    private static bool OffersSubprotocol(HttpRequest request) => request.Headers.SecWebSocketProtocol
        .SelectMany(line => (line ?? "").Split(',', StringSplitOptions.TrimEntries)).Contains(TokenLocation.Subprotocol, StringComparer.Ordinal);

    private static Task RefuseAsync(HttpContext context, int status, string code, string detail, string? retryAfter = null)
    {
        if (retryAfter is not null)
            context.Response.Headers[HeaderNames.RetryAfter] = retryAfter;
        return AuthProblem.WriteAsync(context, status, code, detail);
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "Connection {ClientId} of user {UserId} is open")]
    private partial void LogConnected(string clientId, string userId);

    [LoggerMessage(Level = LogLevel.Debug, Message = "Connection {ClientId} has ended")]
    private partial void LogDisconnected(string clientId);

    [LoggerMessage(Level = LogLevel.Error, Message = "Connection {ClientId} failed")]
    private partial void LogFailed(Exception e, string clientId);

    [LoggerMessage(Level = LogLevel.Debug, Message = "Connection {ClientId} was not admitted")]
    private partial void LogNotAdmitted(Exception e, string clientId);
}
