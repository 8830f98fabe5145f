using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using OrleansChat.Grains.Interfaces;
using OrleansChat.WebFront.Frames;

namespace OrleansChat.Tests.Architecture;

/// <summary>docs/protocol.md tells client authors of every frame and code that there is, and of no other.</summary>
public sealed class ProtocolDocsTests
{
    private static readonly string Protocol = Docs.Read("protocol.md");

    [Fact]
    public void Every_frame_that_a_client_may_send_is_described() => Assert.Equal(FrameKinds.Client.Keys, Words("## What you send"), StringComparer.Ordinal);

    [Fact]
    public void Every_field_that_a_client_may_send_is_named()
    {
        foreach (var row in Docs.Rows(Protocol, "## What you send"))
        {
            var fields = FrameKinds.Client[Docs.Quoted(row[0])[0]].Select(field => field.Split(':')[0]);
            Assert.Empty(fields.Except(Docs.Quoted(row[1]), StringComparer.Ordinal).Select(field => $"{row[0]}: {field}"));
        }
    }

    [Fact]
    public void Every_frame_that_the_server_sends_is_described() => Assert.Equal(FrameKinds.Server.Keys, Words("## What you get"), StringComparer.Ordinal);

    [Fact]
    public void Every_frame_of_a_client_has_an_example_that_the_codec_takes()
    {
        var examples = Docs.Json(Protocol, "## What you send").ToList();
        Assert.All(examples, example => Assert.IsNotType<ClientFrame.Invalid>(FrameKinds.Decode(example)));
        Assert.Empty(FrameKinds.Client.Keys.Except(examples.Select(TypeOf), StringComparer.Ordinal));
        foreach (var (type, payload) in examples.Select(example => (TypeOf(example), JsonElement.Parse(example))))
        {
            string[] named = payload.TryGetProperty("payload", out var fields) ? [.. fields.EnumerateObject().Select(field => field.Name)] : [];
            Assert.Empty(named.Except(FrameKinds.Client[type].Select(field => field.Split(':')[0]), StringComparer.Ordinal));
        }
    }

    [Fact]
    public void Every_frame_of_the_server_has_an_example_with_just_the_fields_that_it_has()
    {
        var examples = Docs.Json(Protocol, "## What you get").ToList();
        Assert.Empty(FrameKinds.Server.Keys.Except(examples.Select(TypeOf), StringComparer.Ordinal));
        foreach (var example in examples)
            Fits(JsonElement.Parse(example), FrameKinds.Server[TypeOf(example)], isFrame: true);
    }

    [Fact]
    public void The_error_codes_are_those_of_the_code() =>
        Assert.Equal(Enum.GetValues<ChatError>().Select(ErrorTexts.Code), Docs.Rows(Protocol, "## Error codes").Select(row => Docs.Quoted(row[0])[0]), StringComparer.Ordinal);

    [Fact]
    public void The_close_codes_are_those_of_the_code_and_a_clients_own()
    {
        var documented = Docs.Rows(Protocol, "## Close codes").Select(row => int.Parse(row[0], CultureInfo.InvariantCulture));
        Assert.Equal(GoldenTests.CloseCodes.Select(code => code.Code).Append(1000).Order(), documented);
    }

    private static string TypeOf(string example) => JsonElement.Parse(example).GetProperty("type").GetString()!;

    private static IEnumerable<string> Words(string heading) => Docs.Rows(Protocol, heading).Select(row => Docs.Quoted(row[0])[0]).Order(StringComparer.Ordinal);

    private static void Fits(JsonElement json, JsonTypeInfo record, bool isFrame)
    {
        var known = record.Properties.ToDictionary(property => property.Name, StringComparer.Ordinal);
        foreach (var field in json.EnumerateObject().Where(field => !isFrame || field.Name != "type"))
        {
            Assert.True(known.Remove(field.Name, out var property), $"{json} has {field.Name}, the frame has not.");
            var type = property.PropertyType;
            if (type.IsConstructedGenericType && field.Value.ValueKind == JsonValueKind.Array)
                Assert.All(field.Value.EnumerateArray(), element => Fits(element, Json(type.GetGenericArguments()[0]), isFrame: false));
            else if (field.Value.ValueKind == JsonValueKind.Object)
                Fits(field.Value, Json(type), isFrame: false);
            else
                field.Value.Deserialize(Json(type));
        }

        Assert.Empty(known.Values.Where(property => !FrameKinds.IsOptional(property)).Select(property => $"{json} lacks {property.Name}"));
    }

    private static JsonTypeInfo Json(Type type) => FrameJson.Wire.GetTypeInfo(type)!;
}
