using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Microsoft.Extensions.Options;
using OrleansChat.Grains.Interfaces;
using OrleansChat.WebFront;
using OrleansChat.WebFront.Frames;

namespace OrleansChat.Tests.Architecture;

/// <summary>All frames with their JSON fields, asked of the code: of the codec what it understands, of the serializer what it writes.</summary>
internal static class FrameKinds
{
    private static readonly FrameCodec Codec = new(Options.Create(new FrontOptions()));

    private static readonly List<JsonTypeInfo> Payloads =
        [.. typeof(FrameJson).GetCustomAttributesData().Where(attribute => attribute.AttributeType == typeof(JsonSerializableAttribute))
            .Select(attribute => (Type)attribute.ConstructorArguments[0].Value!).Where(type => type != typeof(ServerFrame)).Select(Json)];

    /// <summary>What clients may send: type → fields of its payload, each with its JSON type.</summary>
    public static SortedDictionary<string, string[]> Client { get; } = new(
        IntermediateCode.Texts(typeof(FrameCodec)).Where(IsKnown).ToDictionary(type => type, FieldsOf, StringComparer.Ordinal), StringComparer.Ordinal);

    /// <summary>What the server sends: type → the record.</summary>
    public static SortedDictionary<string, JsonTypeInfo> Server { get; } = new(
        typeof(ServerFrame).GetCustomAttributes<JsonDerivedTypeAttribute>().ToDictionary(frame => (string)frame.TypeDiscriminator!, frame => Json(frame.DerivedType), StringComparer.Ordinal),
        StringComparer.Ordinal);

    public static ClientFrame Decode(string json) => Codec.Decode(System.Text.Encoding.UTF8.GetBytes(json));

    /// <summary><c>name: type</c> for each property; what may be left out has a question mark; records of ours in braces.</summary>
    public static IEnumerable<string> Fields(JsonTypeInfo record) => record.Properties.Select(property => $"{property.Name}: {Name(property.PropertyType)}{(IsOptional(property) ? "?" : "")}");

    public static bool IsOptional(JsonPropertyInfo property) => property.IsGetNullable || Nullable.GetUnderlyingType(property.PropertyType) is not null;

    private static bool IsKnown(string type) =>
        Decode($$$"""{"type":{{{JsonSerializer.Serialize(type)}}},"payload":{}}""") is not ClientFrame.Invalid { Error: ChatError.UnknownType };

    // An object fits no field: where it is complained of, the type knows that field.
    private static string[] FieldsOf(string type)
    {
        string[] names = [.. Payloads.SelectMany(payload => payload.Properties).Select(property => property.Name).Distinct(StringComparer.Ordinal)
            .Where(field => Decode($$$$"""{"type":"{{{{type}}}}","payload":{"{{{{field}}}}":{}}}""") is ClientFrame.Invalid invalid && invalid.Text == ErrorTexts.BadField(field))];
        if (names.Length == 0)
            return [];
        var payload = Payloads.Single(payload => payload.Properties.Select(property => property.Name).ToHashSet(StringComparer.Ordinal).SetEquals(names));
        return [.. payload.Properties.Select(property => $"{property.Name}: {Name(property.PropertyType)}")];
    }

    private static JsonTypeInfo Json(Type type) => FrameJson.Wire.GetTypeInfo(type) ?? throw new InvalidOperationException($"{type.Name} is not in FrameJson.");

    private static string Name(Type type)
    {
        if (Nullable.GetUnderlyingType(type) is { } value)
            return Name(value);
        if (type == typeof(string))
            return "string";
        if (type == typeof(bool))
            return "bool";
        if (type.IsPrimitive)
            return "integer";
        if (type.IsArray)
            return $"[{Name(type.GetElementType()!)}]";
        if (type.IsGenericType)
            return $"[{Name(type.GetGenericArguments()[0])}]";
        return $"{{{string.Join(", ", Fields(Json(type)))}}}";
    }
}
