using CsCheck;
using OrleansChat.Bench.Load;
using OrleansChat.Bench.Load.Dialects;

namespace OrleansChat.Tests.Bench;

public sealed class MarkerTests
{
    [Fact]
    public void A_marker_is_found_as_it_was_written() =>
        Gen.Select(Gen.UInt, Gen.UInt, Gen.UInt).Sample((sender, count, time) =>
        {
            var bytes = new byte[5 + Marker.Length + 3];
            new Marker(sender, count, time).Write(bytes.AsSpan(5));
            return Marker.TryFind(bytes, out var found) && found == new Marker(sender, count, time) && bytes.AsSpan(5, Marker.Length).IndexOfAnyExceptInRange((byte)'a', (byte)'~') < 0;
        });

    [Fact]
    public void Half_a_marker_is_none() => Assert.False(Marker.TryFind("""{"message":"~aaaa"}"""u8, out _));

    [Fact]
    public void A_chat_message_tells_its_marker_and_its_seq_and_an_ack_its_marker()
    {
        var dialect = Dialect.Named("orleanschat");
        var message = """{"type":"chat_message","room":"r","seq":4711,"userId":"u","username":"u","message":"~aaaaaaabaaaaaaacaaaaaaad~xx","timestamp":5}"""u8;
        Assert.Equal(new Incoming(IncomingKind.Message, new Marker(1, 2, 3), 4711), dialect.Read(ref message));
        Assert.True(message.IsEmpty);
        var ack = """{"type":"ack","id":"~aaaaaaabaaaaaaacaaaaaaad~","room":"r","seq":4711,"timestamp":5}"""u8;
        Assert.Equal(new Incoming(IncomingKind.Ack, new Marker(1, 2, 3)), dialect.Read(ref ack));
        var error = """{"type":"error","error":"no","code":"unavailable","id":"~aaaaaaabaaaaaaacaaaaaaad~"}"""u8;
        Assert.Equal(IncomingKind.Error, dialect.Read(ref error).Kind);
    }

    [Fact]
    public void Several_records_in_one_message_of_SignalR_are_read_one_by_one()
    {
        var dialect = Dialect.Named("signalr");
        var message = "{\"type\":1,\"target\":\"m\",\"arguments\":[\"~aaaaaaabaaaaaaacaaaaaaad~\"]}\u001e{\"type\":6}\u001e{\"type\":7}\u001e"u8;
        Assert.Equal(new Incoming(IncomingKind.Message, new Marker(1, 2, 3)), dialect.Read(ref message));
        Assert.Equal(IncomingKind.Other, dialect.Read(ref message).Kind);
        Assert.Equal(IncomingKind.Error, dialect.Read(ref message).Kind);
        Assert.True(message.IsEmpty);
    }

    [Fact]
    public void Percentiles_are_exact_below_128_µs_and_within_a_sixtieth_above()
    {
        var latencies = new Latencies();
        for (var micros = 1u; micros <= 100_000; micros++)
            latencies.Add(micros);
        Assert.Equal(0.1, latencies.Percentile(0.001));
        Assert.InRange(latencies.Percentile(0.5), 50, 51);
        Assert.InRange(latencies.Percentile(0.99), 99, 100);
        Assert.Equal(100, latencies.Percentile(1));
        Assert.Equal(0, new Latencies().Percentile(0.5));
    }
}
