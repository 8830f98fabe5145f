using System.Reflection;
using System.Reflection.Emit;

namespace OrleansChat.Tests.Architecture;

/// <summary>Reads compiled methods: what they name, and which texts stand in them.</summary>
internal static class IntermediateCode
{
    private const BindingFlags Own = BindingFlags.DeclaredOnly | BindingFlags.Instance | BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic;

    private static readonly Dictionary<short, OpCode> OpCodesByValue = typeof(OpCodes).GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(field => (OpCode)field.GetValue(null)!).ToDictionary(code => code.Value);

    /// <summary>The assemblies a type needs: by its bases, fields, signatures, locals and every member that its methods name.</summary>
    public static HashSet<Assembly> Mentions(Type type)
    {
        var found = new HashSet<Assembly>();
        Add(type.BaseType);
        foreach (var contract in type.GetInterfaces())
            Add(contract);
        foreach (var attribute in type.CustomAttributes)
            Add(attribute.AttributeType);
        foreach (var field in type.GetFields(Own))
            Add(field.FieldType);
        foreach (var method in type.GetMembers(Own).OfType<MethodBase>())
        {
            Add((method as MethodInfo)?.ReturnType);
            foreach (var parameter in method.GetParameters())
                Add(parameter.ParameterType);
            foreach (var local in method.GetMethodBody()?.LocalVariables ?? [])
                Add(local.LocalType);
            foreach (var member in Tokens(method).OfType<MemberInfo>())
            {
                Add(member as Type ?? member.DeclaringType);
                foreach (var argument in member is MethodInfo { IsGenericMethod: true } generic ? generic.GetGenericArguments() : [])
                    Add(argument);
            }
        }

        return found;

        void Add(Type? named)
        {
            for (; named is not null; named = named.HasElementType ? named.GetElementType() : null)
            {
                found.Add(named.Assembly);
                foreach (var argument in named.IsConstructedGenericType ? named.GetGenericArguments() : [])
                    Add(argument);
            }
        }
    }

    /// <summary>The texts that stand in the methods of a type.</summary>
    public static IEnumerable<string> Texts(Type type) =>
        type.GetMembers(Own).OfType<MethodBase>().SelectMany(Tokens).OfType<string>().Distinct(StringComparer.Ordinal);

    /// <summary>Members and texts that a method's instructions name.</summary>
    private static IEnumerable<object> Tokens(MethodBase method)
    {
        if (method.GetMethodBody()?.GetILAsByteArray() is not { } code)
            yield break;
        var typeArguments = method.DeclaringType!.IsGenericType ? method.DeclaringType.GetGenericArguments() : null;
        var methodArguments = method.IsGenericMethod ? method.GetGenericArguments() : null;
        for (var at = 0; at < code.Length;)
        {
            var value = code[at] == 0xFE ? (short)(0xFE00 | code[at + 1]) : code[at];
            var instruction = OpCodesByValue[value];
            at += instruction.Size;
            switch (instruction.OperandType)
            {
                case OperandType.InlineString:
                    yield return method.Module.ResolveString(BitConverter.ToInt32(code, at));
                    break;
                case OperandType.InlineField or OperandType.InlineMethod or OperandType.InlineType or OperandType.InlineTok:
                    yield return method.Module.ResolveMember(BitConverter.ToInt32(code, at), typeArguments, methodArguments)!;
                    break;
            }

            at += instruction.OperandType switch
            {
                OperandType.InlineNone => 0,
                OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
                OperandType.InlineVar => 2,
                OperandType.InlineI8 or OperandType.InlineR => 8,
                OperandType.InlineSwitch => 4 + (4 * BitConverter.ToInt32(code, at)),
                _ => 4,
            };
        }
    }
}
