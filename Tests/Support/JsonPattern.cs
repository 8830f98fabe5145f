using System.Text.Json;

namespace OrleansChat.Tests.Support;

/// <summary>Compares JSON with an expectation in which the string <c>"*"</c> stands for any value.</summary>
internal static class JsonPattern
{
    public static bool Matches(string pattern, JsonElement actual) => Matches(JsonElement.Parse(pattern), actual);

    private static bool Matches(JsonElement pattern, JsonElement actual)
    {
        if (pattern.ValueKind == JsonValueKind.String && pattern.ValueEquals("*"u8))
            return true;
        return pattern.ValueKind switch
        {
            JsonValueKind.Object => actual.ValueKind == JsonValueKind.Object && pattern.GetPropertyCount() == actual.GetPropertyCount()
                && pattern.EnumerateObject().All(expected => actual.TryGetProperty(expected.Name, out var value) && Matches(expected.Value, value)),
            JsonValueKind.Array => actual.ValueKind == JsonValueKind.Array && pattern.GetArrayLength() == actual.GetArrayLength()
                && pattern.EnumerateArray().Zip(actual.EnumerateArray()).All(pair => Matches(pair.First, pair.Second)),
            _ => JsonElement.DeepEquals(pattern, actual),
        };
    }
}
