using System.Numerics;

namespace IccEngine.Formats;

/// <summary>Jinja's tests: value is name(arguments).</summary>
internal static class TemplateTests
{
    /// <summary>Every test and the number of its arguments.</summary>
    private static readonly Dictionary<string, int> ArgumentCounts = new()
    {
        ["defined"] = 0,
        ["undefined"] = 0,
        ["none"] = 0,
        ["true"] = 0,
        ["false"] = 0,
        ["boolean"] = 0,
        ["integer"] = 0,
        ["float"] = 0,
        ["number"] = 0,
        ["string"] = 0,
        ["mapping"] = 0,
        ["sequence"] = 0,
        ["iterable"] = 0,
        ["callable"] = 0,
        ["lower"] = 0,
        ["upper"] = 0,
        ["odd"] = 0,
        ["even"] = 0,
        ["divisibleby"] = 1,
        ["sameas"] = 1,
        ["in"] = 1,
        ["eq"] = 1,
        ["equalto"] = 1,
        ["ne"] = 1,
        ["lt"] = 1,
        ["lessthan"] = 1,
        ["le"] = 1,
        ["gt"] = 1,
        ["greaterthan"] = 1,
        ["ge"] = 1,
    };

    public static bool IsKnown(string name) => ArgumentCounts.ContainsKey(name);

    public static bool Apply(string name, object? value, TemplateArguments arguments, RenderContext context)
    {
        var expected = ArgumentCounts[name];
        if (arguments.Positional.Count != expected || arguments.Named.Count > 0)
        {
            throw context.Error($"the test '{name}' takes {expected} arguments without names, found {arguments.Positional.Count + arguments.Named.Count}");
        }
        return expected == 0 ? OfValue(name, value, context) : OfPair(name, value, arguments.Positional[0], context);
    }

    private static bool OfValue(string name, object? value, RenderContext context)
    {
        switch (name)
        {
            case "defined":
                return value is not Undefined;
            case "undefined":
                return value is Undefined;
            case "none":
                return value is null;
            case "true":
                return value is true;
            case "false":
                return value is false;
            case "boolean":
                return value is bool;
            case "integer":
                return value is long or BigInteger;
            case "float":
                return value is double;
            case "number":
                return value is long or BigInteger or double or bool;
            case "string":
                return value is string;
            case "mapping":
                return value is TemplateDict;
            // An undefined value has a length and can be looped over, so Jinja calls it both.
            case "sequence" or "iterable":
                return value is string or TemplateList or TemplateDict or Undefined;
            case "callable":
                return value is TemplateMacro or BoundMethod or GlobalFunction;
            case "lower" or "upper":
                var text = PythonText.Str(value, context);
                return name == "lower" ? text.Any(char.IsLower) && !text.Any(char.IsUpper) : text.Any(char.IsUpper) && !text.Any(char.IsLower);
            default:
                return IsDivisible(value, 2L, context) == (name == "even");
        }
    }

    private static bool OfPair(string name, object? value, object? other, RenderContext context)
    {
        switch (name)
        {
            case "divisibleby":
                return IsDivisible(value, other, context);
            case "sameas":
                return value is null or bool or long or double or string ? Equals(value, other) : ReferenceEquals(value, other);
            case "in":
                return PythonOperators.Contains(other, value, context);
            default:
                var operation = name switch
                {
                    "eq" or "equalto" => "==",
                    "ne" => "!=",
                    "lt" or "lessthan" => "<",
                    "le" => "<=",
                    "gt" or "greaterthan" => ">",
                    _ => ">=",
                };
                return PythonOperators.Compare(operation, value, other, context);
        }
    }

    private static bool IsDivisible(object? value, object? divisor, RenderContext context) =>
        PythonOperators.AreEqual(PythonOperators.Arithmetic("%", value, divisor, context), 0L, context);
}
