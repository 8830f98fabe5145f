using System.Reflection;

namespace OrleansChat.Tests.Fronts;

/// <summary>
/// An interface whose calls go to the methods of the same name of an object that does not implement it: Orleans would take a class that implements a grain's
/// interface for a second kind of that grain, in every cluster of these tests.
/// </summary>
public class StandIn : DispatchProxy
{
    private object _target = null!;

    public static T Of<T>(object target)
        where T : class
    {
        var proxy = Create<T, StandIn>();
        ((StandIn)(object)proxy)._target = target;
        return proxy;
    }

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
    {
        var wanted = targetMethod!.GetParameters().Select(parameter => parameter.ParameterType).ToArray();
        var method = _target.GetType().GetMethods().FirstOrDefault(method => method.Name == targetMethod.Name && Fits(method, wanted))
            ?? throw new NotSupportedException($"{_target.GetType().Name} stands in for {targetMethod.DeclaringType?.Name}, and has no {targetMethod}.");
        if (method.IsGenericMethodDefinition)
            method = method.MakeGenericMethod(targetMethod.GetGenericArguments());
        return method.Invoke(_target, BindingFlags.DoNotWrapExceptions, null, args, null);
    }

    private static bool Fits(MethodInfo method, Type[] wanted)
    {
        var parameters = method.GetParameters();
        return parameters.Length == wanted.Length
            && parameters.Zip(wanted).All(pair => pair.First.ParameterType.IsAssignableFrom(pair.Second) || pair.First.ParameterType.ContainsGenericParameters);
    }
}
