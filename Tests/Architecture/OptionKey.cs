using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Reflection;
using OrleansChat.Grains;
using OrleansChat.WebFront;
using OrleansChat.WebFront.Auth;

namespace OrleansChat.Tests.Architecture;

/// <summary>One property of the options records, by its configuration key.</summary>
internal sealed record OptionKey(string Key, PropertyInfo Property, object? Default)
{
    /// <summary>Every key of ours; one that two records read stands here twice.</summary>
    public static IReadOnlyList<OptionKey> All { get; } =
    [
        .. Of(FrontOptions.Section, new FrontOptions()),
        .. Of(GrainOptions.Section, new GrainOptions()),
        .. Of(AuthOptions.Section, new AuthOptions()),
    ];

    /// <summary>The bounds, as values; null where there are none.</summary>
    public (object Min, object Max)? Range =>
        Property.GetCustomAttribute<RangeAttribute>() is { } range ? (Convert(range.Minimum), Convert(range.Maximum)) : null;

    /// <summary>The words it may be; empty where it is no word.</summary>
    public string[] Words => Property.GetCustomAttribute<RegularExpressionAttribute>()?.Pattern.Split('|') ?? [];

    /// <summary>A text as the configuration would read it.</summary>
    public object Convert(object value)
    {
        var type = Nullable.GetUnderlyingType(Property.PropertyType) ?? Property.PropertyType;
        if (value is double number) // how RangeAttribute keeps bounds of a long
            return number >= long.MaxValue ? long.MaxValue : (long)number;
        return value.GetType() == type ? value : TypeDescriptor.GetConverter(type).ConvertFromInvariantString(System.Convert.ToString(value, System.Globalization.CultureInfo.InvariantCulture)!)!;
    }

    private static IEnumerable<OptionKey> Of<T>(string section, T defaults)
        where T : notnull =>
        from property in typeof(T).GetProperties(BindingFlags.Instance | BindingFlags.Public)
        where property.CanWrite
        select new OptionKey($"{section}:{property.Name}", property, property.GetValue(defaults));
}
