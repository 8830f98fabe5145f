using System.Reflection;
using OrleansChat.Grains.Interfaces;
using OrleansChat.WebFront.Frames;
using OrleansChat.WebFront.Sockets;

namespace OrleansChat.Tests.Architecture;

/// <summary>The names and numbers that others rely on, beside the files that say what was agreed.</summary>
public sealed class GoldenTests
{
    public static IEnumerable<(string Name, int Code)> CloseCodes =>
        typeof(CloseCode).GetFields(BindingFlags.Static | BindingFlags.Public).Select(code => (code.Name, Convert.ToInt32(code.GetRawConstantValue(), null))).OrderBy(code => code.Item2);

    [Fact]
    public void Wire_types_keep_their_aliases_ids_and_member_types() => Golden.Matches("wire.txt",
        WireTypes.All.OrderBy(WireTypes.Alias, StringComparer.Ordinal).Select(Line));

    [Fact]
    public void Grains_keep_the_aliases_of_their_methods() => Golden.Matches("grains.txt",
        from grain in WireTypes.GrainInterfaces.OrderBy(WireTypes.Alias, StringComparer.Ordinal)
        from method in grain.GetMethods().OrderBy(WireTypes.Alias, StringComparer.Ordinal)
        select $"{WireTypes.Alias(grain)} {WireTypes.Alias(method)}: {grain.Name}.{method.Name}({Parameters(method)}) -> {WireTypes.Name(method.ReturnType)}");

    [Fact]
    public void What_clients_may_send_stays() => Golden.Matches("frames.client.txt",
        FrameKinds.Client.Select(frame => $"{frame.Key} {{ {string.Join(", ", frame.Value)} }}"));

    [Fact]
    public void What_the_server_sends_stays() => Golden.Matches("frames.server.txt",
        FrameKinds.Server.Select(frame => $"{frame.Key} {{ {string.Join(", ", FrameKinds.Fields(frame.Value))} }}"));

    [Fact]
    public void Error_codes_keep_number_and_word() => Golden.Matches("errors.txt",
        Enum.GetValues<ChatError>().Select(error => $"{(int)error} {error} {ErrorTexts.Code(error)}"));

    [Fact]
    public void Every_error_has_a_word_of_its_own_on_the_wire()
    {
        var codes = Enum.GetValues<ChatError>().Select(ErrorTexts.Code).ToList();
        Assert.Equal(codes.Count, codes.Distinct(StringComparer.Ordinal).Count());
    }

    [Fact]
    public void Close_codes_stay() => Golden.Matches("close-codes.txt", CloseCodes.Select(code => $"{code.Code} {code.Name}"));

    private static string Line(Type type)
    {
        var parent = type.BaseType is { } known && WireTypes.Alias(known) is { } alias ? $" : {alias}" : "";
        var members = type.IsEnum
            ? Enum.GetValues(type).Cast<object>().Select(value => $"{Convert.ToInt64(value, null)} {value}")
            : WireTypes.Members(type).OrderBy(member => member.Id).Select(member => $"{member.Id} {member.Name}: {WireTypes.Name(member.Type)}");
        return $"{WireTypes.Alias(type)} ({type.Name}){parent} {{ {string.Join(", ", members)} }}";
    }

    private static string Parameters(MethodInfo method) => string.Join(", ", method.GetParameters().Select(parameter => WireTypes.Name(parameter.ParameterType)));
}
