namespace OrleansChat.Tests.Streams;

[GenerateSerializer, Immutable, Alias("test.tick")]
public sealed record Tick([property: Id(0)] int Number);
