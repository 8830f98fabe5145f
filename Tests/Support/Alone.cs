namespace OrleansChat.Tests.Support;

/// <summary>For tests that want the machine for themselves, or keep all of its cores busy.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Alone
{
    public const string Name = "Alone on the machine";
}
