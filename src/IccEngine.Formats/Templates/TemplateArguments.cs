namespace IccEngine.Formats;

/// <summary>Evaluated arguments of a call, filter or test.</summary>
internal sealed record TemplateArguments(IReadOnlyList<object?> Positional, IReadOnlyList<KeyValuePair<string, object?>> Named)
{
    /// <summary>Stands for a parameter that no argument was given for.</summary>
    public static object Missing { get; } = new();

    /// <summary>The arguments in the order of the parameters; <see cref="Missing"/> where none was given.</summary>
    public object?[] Bind(RenderContext context, string what, params ReadOnlySpan<string> parameters)
    {
        if (Positional.Count > parameters.Length)
        {
            throw context.Error($"{what} takes at most {parameters.Length} arguments, found {Positional.Count}");
        }
        var bound = new object?[parameters.Length];
        Array.Fill(bound, Missing);
        for (var i = 0; i < Positional.Count; i++)
        {
            bound[i] = Positional[i];
        }
        foreach (var (name, value) in Named)
        {
            var index = parameters.IndexOf(name);
            if (index < 0)
            {
                throw context.Error($"{what} has no parameter '{name}'");
            }
            if (!ReferenceEquals(bound[index], Missing))
            {
                throw context.Error($"{what} was given '{name}' twice");
            }
            bound[index] = value;
        }
        return bound;
    }

    public static bool Given(object? argument) => !ReferenceEquals(argument, Missing);

    /// <summary>A text, or the default where the argument is missing.</summary>
    public static string Text(object? argument, string fallback, RenderContext context, string what) => argument switch
    {
        string text => text,
        _ when !Given(argument) => fallback,
        Undefined missing => throw context.Error(missing),
        _ => throw context.Error($"{what} needs a text, found {PythonType.Describe(argument)}"),
    };

    public static long Integer(object? argument, long fallback, RenderContext context, string what) => argument switch
    {
        long or bool => PythonOperators.Integer(argument),
        _ when !Given(argument) => fallback,
        Undefined missing => throw context.Error(missing),
        _ => throw context.Error($"{what} needs an integer, found {PythonType.Describe(argument)}"),
    };

    public static bool Flag(object? argument, bool fallback) => Given(argument) ? PythonOperators.IsTrue(argument) : fallback;
}
