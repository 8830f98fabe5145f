using System.Text.Json.Serialization;

namespace OrleansChat.WebFront.Auth;

/// <summary>The JSON of this folder, strict: numbers are no strings, a name stands once, and case counts.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectNullableAnnotations = true,
    AllowDuplicateProperties = false,
    MaxDepth = 8)]
[JsonSerializable(typeof(GuestRequest))]
[JsonSerializable(typeof(DevTokenRequest))]
[JsonSerializable(typeof(IssuedToken))]
[JsonSerializable(typeof(IssuedClaims))]
[JsonSerializable(typeof(AuthProblem))]
internal sealed partial class AuthJson : JsonSerializerContext;
