using System.Reflection;
using System.Runtime.CompilerServices;

namespace OrleansChat.Tests.Architecture;

/// <summary>The types that cross process borders, or are stored, and what of them does.</summary>
internal static class WireTypes
{
    private const BindingFlags Declared = BindingFlags.DeclaredOnly | BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;

    /// <summary>Everything marked <c>[GenerateSerializer]</c>.</summary>
    public static IEnumerable<Type> All => Code.Types(Code.Product).Where(type => type.IsDefined(typeof(GenerateSerializerAttribute), inherit: false));

    public static IEnumerable<Type> GrainInterfaces => Code.Types(Code.Product).Where(type => type.IsInterface && type.IsAssignableTo(typeof(IGrain)));

    public static string? Alias(MemberInfo member) => member.GetCustomAttribute<AliasAttribute>(inherit: false)?.Alias;

    /// <summary>What a type holds itself, without its base types: an auto-property for its field, primary-constructor captures included.</summary>
    public static IEnumerable<(string Name, Type Type, uint? Id)> Members(Type type) =>
        from field in type.IsEnum ? [] : type.GetFields(Declared)
        where !field.IsDefined(typeof(NonSerializedAttribute))
        let property = Property(type, field)
        select (property?.Name ?? field.Name, field.FieldType, ((MemberInfo?)property ?? field).GetCustomAttribute<IdAttribute>()?.Id);

    /// <summary>How C# would write it.</summary>
    public static string Name(Type type)
    {
        if (Nullable.GetUnderlyingType(type) is { } value)
            return Name(value) + "?";
        if (type.IsArray)
            return Name(type.GetElementType()!) + "[]";
        if (type.IsGenericType)
            return $"{type.Name.Split('`')[0]}<{string.Join(", ", type.GetGenericArguments().Select(Name))}>";
        return type.Name;
    }

    /// <summary>Whether Orleans can carry values of a type, or what of it it cannot.</summary>
    public static Type? Unserializable(Type type)
    {
        if (type.HasElementType)
            return Unserializable(type.GetElementType()!);
        if (type.IsGenericType && type.Namespace!.StartsWith("System", StringComparison.Ordinal))
            return type.GetGenericArguments().Select(Unserializable).FirstOrDefault(argument => argument is not null);
        var isKnown = type.IsPrimitive || type.IsGenericParameter || type == typeof(void)
            || type == typeof(string) || type == typeof(TimeSpan) || type == typeof(Task) || type == typeof(ValueTask)
            || type == typeof(DateTimeOffset) || type == typeof(Guid) || type == typeof(UInt128)
            || type.IsDefined(typeof(GenerateSerializerAttribute), inherit: false);
        return isKnown ? null : type;
    }

    private static PropertyInfo? Property(Type type, FieldInfo field) =>
        field.IsDefined(typeof(CompilerGeneratedAttribute)) && field.Name.EndsWith("k__BackingField", StringComparison.Ordinal)
            ? type.GetProperty(field.Name[1..field.Name.IndexOf('>', StringComparison.Ordinal)], Declared)
            : null;
}
