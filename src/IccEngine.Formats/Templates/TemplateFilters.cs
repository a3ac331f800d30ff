using System.Globalization;
using System.Numerics;
using System.Text;
using static IccEngine.Formats.TemplateArguments;

namespace IccEngine.Formats;

/// <summary>Jinja's filters on single values; those on sequences stand in <see cref="SequenceFilters"/>.</summary>
internal static class TemplateFilters
{
    private static readonly HashSet<string> Names =
    [
        "trim", "upper", "lower", "capitalize", "title", "replace", "indent", "string", "safe", "int", "float", "abs", "default", "d",
        "length", "count", "items", "list", "tojson",
    ];

    public static bool IsKnown(string name) => Names.Contains(name) || SequenceFilters.IsKnown(name);

    public static object? Apply(string name, object? value, TemplateArguments arguments, RenderContext context)
    {
        var what = $"the filter '{name}'";
        switch (name)
        {
            case "trim":
                return TextMethods.Strip(Text(value, context), arguments.Bind(context, what, "chars")[0], left: true, right: true, context);
            case "upper":
                arguments.Bind(context, what);
                return Text(value, context).ToUpperInvariant();
            case "lower":
                arguments.Bind(context, what);
                return Text(value, context).ToLowerInvariant();
            case "capitalize":
                arguments.Bind(context, what);
                return TextMethods.Capitalize(Text(value, context));
            case "title":
                arguments.Bind(context, what);
                return Title(Text(value, context));
            case "replace":
                var replace = arguments.Bind(context, what, "old", "new", "count");
                var count = Given(replace[2]) && replace[2] is not null ? Integer(replace[2], -1, context, what) : -1;
                return TextMethods.Replace(Text(value, context), Text(replace[0], context), Text(replace[1], context), count, context);
            case "indent":
                return Indent(Text(value, context), arguments.Bind(context, what, "width", "first", "blank"), context);
            case "string" or "safe":
                arguments.Bind(context, what);
                return Text(value, context);
            case "int":
                return ToInteger(value, arguments.Bind(context, what, "default"), context);
            case "float":
                return ToFloat(value, arguments.Bind(context, what, "default"), context);
            case "abs":
                arguments.Bind(context, what);
                return value is double number ? Math.Abs(number)
                    : PythonOperators.IsTrue(PythonOperators.Compare("<", value, 0L, context)) ? PythonOperators.Negate("-", value, context) : value;
            case "default" or "d":
                var other = arguments.Bind(context, what, "default_value", "boolean");
                return value is Undefined || (Flag(other[1], false) && !PythonOperators.IsTrue(value)) ? (Given(other[0]) ? other[0] : "") : value;
            case "length" or "count":
                arguments.Bind(context, what);
                return TemplateAccess.Length(value, context);
            case "items":
                arguments.Bind(context, what);
                return value switch
                {
                    Undefined => new TemplateList([]),
                    TemplateDict dict => TemplateAccess.Pairs(dict, context),
                    _ => throw context.Error($"{what} needs a dict, found {PythonType.Describe(value)}"),
                };
            case "list":
                arguments.Bind(context, what);
                return new TemplateList(TemplateAccess.Items(value, context));
            case "tojson":
                return ToJson(value, arguments.Bind(context, what, "ensure_ascii", "indent", "separators", "sort_keys"), context);
            default:
                return SequenceFilters.Apply(name, value, arguments, context);
        }
    }

    /// <summary>str(value), spent for as if it were made anew.</summary>
    private static string Text(object? value, RenderContext context) =>
        context.Made(Given(value) ? PythonText.Str(value, context) : throw context.Error("a filter lacks an argument"));

    /// <summary>Words, as Jinja's title cuts them: behind white space, hyphens and opening brackets.</summary>
    private static string Title(string text)
    {
        var output = new StringBuilder(text.Length);
        var insideWord = false;
        foreach (var c in text)
        {
            output.Append(insideWord ? char.ToLowerInvariant(c) : char.ToUpperInvariant(c));
            insideWord = !(PythonSpace.IsSpace(c) || c is '-' or '(' or '{' or '[' or '<');
        }
        return output.ToString();
    }

    private static string Indent(string text, object?[] bound, RenderContext context)
    {
        var by = bound[0] is string given ? given : new string(' ', (int)Math.Clamp(Integer(bound[0], 4, context, "the filter 'indent'"), 0, 1000));
        var (first, blank) = (Flag(bound[1], false), Flag(bound[2], false));
        var lines = TextMethods.SplitLines(text + "\n", context);
        var output = new StringBuilder();
        for (var i = 0; i < lines.Count; i++)
        {
            context.Write(output, i == 0 ? "" : "\n");
            context.Write(output, (i == 0 ? first : blank || lines[i].Length > 0) ? by : "");
            context.Write(output, lines[i]);
        }
        return output.ToString();
    }

    private static object? ToInteger(object? value, object?[] bound, RenderContext context)
    {
        var fallback = Given(bound[0]) ? bound[0] : 0L;
        switch (value)
        {
            case Undefined missing:
                throw context.Error(missing);
            case long or bool:
                return PythonOperators.Integer(value);
            case BigInteger:
                return value;
            case double number:
                return double.IsFinite(number) && Math.Abs(number) < 9e18 ? (long)number : fallback;
            case string text:
                var digits = TextMethods.Strip(text, Missing, left: true, right: true, context);
                return long.TryParse(digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var integer) ? integer
                    : double.TryParse(digits, NumberStyles.Float, CultureInfo.InvariantCulture, out var real) && Math.Abs(real) < 9e18 ? (long)real
                    : fallback;
            default:
                return fallback;
        }
    }

    private static object? ToFloat(object? value, object?[] bound, RenderContext context) => value switch
    {
        Undefined missing => throw context.Error(missing),
        long or bool => (double)PythonOperators.Integer(value),
        double => value,
        string text when double.TryParse(
            TextMethods.Strip(text, Missing, left: true, right: true, context), NumberStyles.Float, CultureInfo.InvariantCulture, out var number) => number,
        _ => Given(bound[0]) ? bound[0] : 0.0,
    };

    private static string ToJson(object? value, object?[] bound, RenderContext context)
    {
        var indent = bound[1] switch
        {
            null => null,
            string text => text,
            _ when !Given(bound[1]) => null,
            _ => new string(' ', (int)Math.Clamp(Integer(bound[1], 0, context, "the filter 'tojson'"), 0, 1000)),
        };
        var (item, key) = (indent is null ? ", " : ",", ": ");
        if (Given(bound[2]) && bound[2] is not null)
        {
            (item, key) = bound[2] is TemplateList { Items: [string i, string k] }
                ? (i, k)
                : throw context.Error("tojson: the separators are two texts");
        }
        return new PythonJson(context, indent, item, key, Flag(bound[0], false), Flag(bound[3], false)).Dump(value);
    }
}
