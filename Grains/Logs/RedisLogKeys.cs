using System.Buffers.Text;
using System.Text;
using StackExchange.Redis;

namespace OrleansChat.Grains.Logs;

/// <summary>The names of a deployment's room logs in Redis: <c>&lt;service&gt;/log/{&lt;room, base64url&gt;}/header</c> and <c>…/entries</c>.</summary>
/// <remarks>The braces put both keys of a room on one node of a cluster; base64url keeps what users write from meaning anything in a key.</remarks>
internal sealed class RedisLogKeys
{
    private readonly string _prefix;

    /// <summary>Names the logs of one deployment.</summary>
    /// <param name="serviceId"><c>Orleans:ServiceId</c>: deployments with different ones can share a Redis.</param>
    /// <exception cref="ArgumentException">It contains a brace, which would put all rooms on one node.</exception>
    public RedisLogKeys(string serviceId)
    {
        if (serviceId.AsSpan().ContainsAny('{', '}'))
            throw new ArgumentException($"Orleans:ServiceId '{serviceId}' must not contain braces: they mean something in Redis keys.", nameof(serviceId));
        _prefix = serviceId + "/log/";
    }

    /// <summary>The room's header.</summary>
    public RedisKey Header(string room) => $"{_prefix}{{{Encoded(room)}}}/header";

    /// <summary>The room's batches.</summary>
    public RedisKey Entries(string room) => $"{_prefix}{{{Encoded(room)}}}/entries";

    private static string Encoded(string room) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(room));
}
