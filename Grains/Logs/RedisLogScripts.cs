namespace OrleansChat.Grains.Logs;

/// <summary>
/// The conditional steps of <see cref="RedisLogStore"/>, in Lua: Redis runs a script as a whole, and a script's writes reach its append-only file and
/// its replicas as a whole.
/// </summary>
/// <remarks>
/// KEYS[1] is the header, a hash: epoch, head, first, ts, bytes, and one field "f:&lt;id&gt;" per front. KEYS[2] is the stream: one entry per batch, its
/// id "&lt;last seq&gt;-0", its fields t (time) and p (payload). Seqs stay strings, as Redis keeps them; Lua's numbers are exact up to 2^53.
/// </remarks>
internal static class RedisLogScripts
{
    // Explicit ids alone are no fence: a stale writer's second batch has a higher id than the newest entry, and after a loss of the stream any id goes.
    private const string Fits =
        """
        -- Whether the stream ends at the head, and is empty exactly when the header says that nothing is left.
        local function fits(head, first)
          local newest = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', '1')[1]
          if newest then return newest[1] == head .. '-0' and tonumber(first) <= tonumber(head) end
          if redis.call('EXISTS', KEYS[2]) == 0 then return head == '0' end
          local about = redis.call('XINFO', 'STREAM', KEYS[2])
          for i = 1, #about, 2 do
            if about[i] == 'last-generated-id' then return about[i + 1] == head .. '-0' and tonumber(first) > tonumber(head) end
          end
        end

        """;

    /// <summary>
    /// ARGV: create (1 or 0), an epoch for a new log, settle (1 or 0: whether to write something in any case, so that a WAIT that follows
    /// covers all that was written before). Gives the header as HGETALL does; nothing where there is none.
    /// </summary>
    public const string Open =
        Fits +
        """
        local epoch, head, first = unpack(redis.call('HMGET', KEYS[1], 'epoch', 'head', 'first'))
        if epoch and head and first and fits(head, first) then
          if ARGV[3] == '1' then redis.call('HSET', KEYS[1], 'epoch', epoch) end
          return redis.call('HGETALL', KEYS[1])
        end
        -- What is there fits nothing: it goes, and a new life begins. Nothing there: only when asked.
        local lost = redis.call('DEL', KEYS[1], KEYS[2])
        if lost == 0 and ARGV[1] == '0' then return {} end
        redis.call('HSET', KEYS[1], 'epoch', ARGV[2], 'head', '0', 'first', '1', 'ts', '0', 'bytes', '0')
        return redis.call('HGETALL', KEYS[1])
        """;

    /// <summary>ARGV: epoch, expected head, last seq, time, payload. Gives 1 when it was appended, 0 when it was refused.</summary>
    public const string Append =
        Fits +
        """
        local epoch, head, first, bytes = unpack(redis.call('HMGET', KEYS[1], 'epoch', 'head', 'first', 'bytes'))
        if epoch ~= ARGV[1] or head ~= ARGV[2] or not fits(head, first) then return 0 end
        redis.call('XADD', KEYS[2], ARGV[3] .. '-0', 't', ARGV[4], 'p', ARGV[5])
        redis.call('HSET', KEYS[1], 'head', ARGV[3], 'ts', ARGV[4], 'bytes', string.format('%.0f', (bytes or 0) + #ARGV[5]))
        return 1
        """;

    /// <summary>ARGV: epoch, expected first, new first, minus the bytes that go. Gives 1 when it was trimmed, 0 when the header had changed.</summary>
    public const string Trim =
        """
        local epoch, first = unpack(redis.call('HMGET', KEYS[1], 'epoch', 'first'))
        if epoch ~= ARGV[1] or first ~= ARGV[2] then return 0 end
        redis.call('HSET', KEYS[1], 'first', ARGV[3])
        redis.call('HINCRBY', KEYS[1], 'bytes', ARGV[4])
        redis.call('XTRIM', KEYS[2], 'MINID', '=', ARGV[3])
        return 1
        """;

    /// <summary>ARGV: epoch, expected head, the new epoch. Gives 1 when a new life began, 0 when the log stood elsewhere.</summary>
    public const string Reset =
        """
        local epoch, head = unpack(redis.call('HMGET', KEYS[1], 'epoch', 'head'))
        if epoch ~= ARGV[1] or head ~= ARGV[2] then return 0 end
        redis.call('HSET', KEYS[1], 'epoch', ARGV[3], 'head', '0', 'first', '1', 'ts', '0', 'bytes', '0')
        redis.call('DEL', KEYS[2])
        return 1
        """;

    /// <summary>ARGV: epoch, the front's field. Gives 1, or 0 when the epoch is another.</summary>
    public const string AddFront =
        """
        if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then return 0 end
        redis.call('HSET', KEYS[1], ARGV[2], '')
        return 1
        """;

    /// <inheritdoc cref="AddFront"/>
    public const string RemoveFront =
        """
        if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then return 0 end
        redis.call('HDEL', KEYS[1], ARGV[2])
        return 1
        """;
}
