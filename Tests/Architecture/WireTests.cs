using System.Reflection;

namespace OrleansChat.Tests.Architecture;

/// <summary>What goes between processes keeps its meaning when names and members move: by alias and id, and no analyzer looks at all of it.</summary>
public sealed class WireTests
{
    [Fact]
    public void There_are_wire_types_and_grains_to_look_at()
    {
        Assert.True(WireTypes.All.Count() > 20);
        Assert.True(WireTypes.GrainInterfaces.Count() >= 3);
    }

    [Fact]
    public void Every_wire_type_has_an_alias_of_its_own()
    {
        Assert.Empty(WireTypes.All.Where(type => string.IsNullOrEmpty(WireTypes.Alias(type))).Select(type => type.FullName));
        var aliases = WireTypes.All.Concat(WireTypes.GrainInterfaces).Select(WireTypes.Alias);
        Assert.Empty(aliases.GroupBy(alias => alias, StringComparer.Ordinal).Where(group => group.Count() > 1).Select(group => group.Key));
    }

    [Fact]
    public void Every_member_of_a_wire_type_has_an_id_positional_ones_too() =>
        Assert.Empty(from type in WireTypes.All
                     from member in WireTypes.Members(type)
                     where member.Id is null
                     select $"{type.FullName}.{member.Name}");

    [Fact]
    public void No_id_stands_twice_in_a_type() =>
        Assert.Empty(from type in WireTypes.All
                     from member in WireTypes.Members(type)
                     group member by (type, member.Id) into same
                     where same.Count() > 1
                     select $"{same.Key.type.FullName}: {same.Key.Id}");

    [Fact]
    public void What_derives_from_a_wire_type_or_an_exception_that_travels_is_one_too()
    {
        var derived = Code.Types(Code.Product).Where(type => type.BaseType is { } parent && Definition(parent).IsDefined(typeof(GenerateSerializerAttribute), inherit: false));
        Assert.Empty(derived.Except(WireTypes.All).Select(type => type.FullName));
        var exceptions = Code.Types(Code.Interfaces, Code.Grains).Where(type => type.IsAssignableTo(typeof(Exception)));
        Assert.Empty(exceptions.Except(WireTypes.All).Select(type => type.FullName));
    }

    [Fact]
    public void Every_member_of_a_wire_type_can_be_serialized() =>
        Assert.Empty(from type in WireTypes.All
                     from member in WireTypes.Members(type)
                     let bad = WireTypes.Unserializable(member.Type)
                     where bad is not null
                     select $"{type.FullName}.{member.Name}: {bad.FullName}");

    [Fact]
    public void Every_grain_interface_and_each_of_its_methods_has_an_alias()
    {
        foreach (var grain in WireTypes.GrainInterfaces)
        {
            Assert.False(string.IsNullOrEmpty(WireTypes.Alias(grain)), $"{grain.Name} has no alias");
            var methods = grain.GetMethods(BindingFlags.Instance | BindingFlags.Public);
            Assert.Empty(methods.Where(method => string.IsNullOrEmpty(WireTypes.Alias(method))).Select(method => $"{grain.Name}.{method.Name}"));
            Assert.Equal(methods.Length, methods.Select(WireTypes.Alias).Distinct(StringComparer.Ordinal).Count());
        }
    }

    [Fact]
    public void Grain_interfaces_share_no_base_interface_of_ours_or_GetGrain_could_not_choose() =>
        Assert.Empty(from grain in WireTypes.GrainInterfaces
                     from parent in grain.GetInterfaces()
                     where Code.Product.Contains(parent.Assembly)
                     select $"{grain.Name} : {parent.Name}");

    [Fact]
    public void Grain_methods_carry_no_Async_suffix() =>
        Assert.Empty(from grain in WireTypes.GrainInterfaces
                     from method in grain.GetMethods()
                     where method.Name.EndsWith("Async", StringComparison.Ordinal)
                     select $"{grain.Name}.{method.Name}");

    [Fact]
    public void What_grain_methods_take_and_give_can_be_serialized() =>
        Assert.Empty(from grain in WireTypes.GrainInterfaces
                     from method in grain.GetMethods()
                     from type in method.GetParameters().Select(parameter => parameter.ParameterType).Append(method.ReturnType)
                     let bad = WireTypes.Unserializable(type)
                     where bad is not null
                     select $"{grain.Name}.{method.Name}: {bad.FullName}");

    [Fact]
    public void What_a_grain_stores_can_be_serialized() =>
        Assert.Empty(from grain in Code.Types(Code.Grains)
                     where grain.IsAssignableTo(typeof(Grain))
                     from constructor in grain.GetConstructors()
                     from parameter in constructor.GetParameters()
                     where parameter.ParameterType.IsConstructedGenericType && parameter.ParameterType.GetGenericTypeDefinition() == typeof(IPersistentState<>)
                     let bad = WireTypes.Unserializable(parameter.ParameterType.GetGenericArguments()[0])
                     where bad is not null
                     select $"{grain.Name}: {bad.FullName}");

    private static Type Definition(Type type) => type.IsConstructedGenericType ? type.GetGenericTypeDefinition() : type;
}
