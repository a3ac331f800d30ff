using System.Numerics;
using System.Text;

namespace IccEngine.Formats;

/// <summary>Names of types in error messages.</summary>
internal static class PythonType
{
    public static string Describe(object? value) => value switch
    {
        null => "None",
        bool => "a boolean",
        long or BigInteger => "an integer",
        double => "a float",
        string => "a text",
        TemplateList { IsTuple: true } => "a tuple",
        TemplateList => "a list",
        TemplateDict => "a dict",
        TemplateNamespace => "a namespace",
        TemplateMacro => "a macro",
        LoopState => "the loop",
        BoundMethod or GlobalFunction => "a function",
        Undefined => "an undefined value",
        _ => value.GetType().Name,
    };
}

/// <summary>Python's operators on the values of a template.</summary>
internal static class PythonOperators
{
    public static bool IsTrue(object? value) => value switch
    {
        null or Undefined => false,
        bool flag => flag,
        long number => number != 0,
        double number => number != 0,
        string text => text.Length > 0,
        TemplateList list => list.Items.Count > 0,
        TemplateDict dict => dict.Count > 0,
        _ => true,
    };

    public static object? Arithmetic(string operation, object? left, object? right, RenderContext context)
    {
        if ((left as Undefined ?? right as Undefined) is { } missing)
        {
            throw context.Error(missing);
        }
        switch (operation, left, right)
        {
            case ("+", string a, string b):
                context.Reserve((long)a.Length + b.Length, "a text");
                return a + b;
            case ("+", TemplateList a, TemplateList b) when a.IsTuple == b.IsTuple:
                context.Reserve(8L * (a.Items.Count + b.Items.Count), "a list");
                return new TemplateList([.. a.Items, .. b.Items], a.IsTuple);
            case ("*", string text, long or bool):
                return RepeatText(text, Integer(right), context);
            case ("*", long or bool, string text):
                return RepeatText(text, Integer(left), context);
            case ("*", TemplateList list, long or bool):
                return RepeatList(list, Integer(right), context);
            case ("*", long or bool, TemplateList list):
                return RepeatList(list, Integer(left), context);
            case ("%", string, _):
                throw context.Unsupported("formatting a text with '%'");
            case (_, long or bool, long or bool):
                return OfIntegers(operation, Integer(left), Integer(right), context);
            case (_, long or bool or double, long or bool or double):
                return OfFloats(operation, Number(left), Number(right), context);
            default:
                throw context.Error($"'{operation}' does not work between {PythonType.Describe(left)} and {PythonType.Describe(right)}");
        }
    }

    public static object? Negate(string operation, object? value, RenderContext context) => value switch
    {
        Undefined missing => throw context.Error(missing),
        long or bool => operation == "-" ? OfIntegers("-", 0, Integer(value), context) : Integer(value),
        double number => operation == "-" ? -number : number,
        _ => throw context.Error($"'{operation}' does not work before {PythonType.Describe(value)}"),
    };

    public static bool AreEqual(object? left, object? right, RenderContext context, int depth = 0)
    {
        context.CheckDepth(depth);
        context.Spend(1);
        switch (left, right)
        {
            case (null, null) or (Undefined, Undefined):
                return true;
            case (string a, string b):
                return a == b;
            case (long or bool, long or bool):
                return Integer(left) == Integer(right);
            case (long or bool or double, long or bool or double):
                return CompareNumbers(left, right) == 0;
            case (BigInteger a, BigInteger b):
                return a == b;
            case (TemplateList a, TemplateList b):
                return a.IsTuple == b.IsTuple && a.Items.Count == b.Items.Count
                    && a.Items.Zip(b.Items).All(p => AreEqual(p.First, p.Second, context, depth + 1));
            case (TemplateDict a, TemplateDict b):
                return a.Count == b.Count
                    && a.Entries.All(e => b.TryGet(e.Key, out var other) && AreEqual(e.Value, other, context, depth + 1));
            default:
                return left is not null && ReferenceEquals(left, right);
        }
    }

    /// <summary>Below zero, zero or above zero; null where a NaN takes part.</summary>
    public static int? Order(object? left, object? right, RenderContext context, int depth = 0)
    {
        context.CheckDepth(depth);
        context.Spend(1);
        if ((left as Undefined ?? right as Undefined) is { } missing)
        {
            throw context.Error(missing);
        }
        switch (left, right)
        {
            case (string a, string b):
                return CompareText(a, b);
            case (long or bool or double, long or bool or double):
                return CompareNumbers(left, right);
            case (TemplateList a, TemplateList b) when a.IsTuple == b.IsTuple:
                for (var i = 0; i < a.Items.Count && i < b.Items.Count; i++)
                {
                    if (!AreEqual(a.Items[i], b.Items[i], context, depth + 1))
                    {
                        return Order(a.Items[i], b.Items[i], context, depth + 1);
                    }
                }
                return a.Items.Count.CompareTo(b.Items.Count);
            default:
                throw context.Error($"{PythonType.Describe(left)} and {PythonType.Describe(right)} have no order");
        }
    }

    public static bool Compare(string operation, object? left, object? right, RenderContext context) => operation switch
    {
        "==" => AreEqual(left, right, context),
        "!=" => !AreEqual(left, right, context),
        "in" => Contains(right, left, context),
        "not in" => !Contains(right, left, context),
        "<" => Order(left, right, context) < 0,
        "<=" => Order(left, right, context) <= 0,
        ">" => Order(left, right, context) > 0,
        _ => Order(left, right, context) >= 0,
    };

    /// <summary>item in container.</summary>
    public static bool Contains(object? container, object? item, RenderContext context)
    {
        switch (container)
        {
            case string text:
                context.Spend(1 + (text.Length / 64));
                return item is string part
                    ? text.Contains(part, StringComparison.Ordinal)
                    : throw context.Error(item as Undefined ?? new Undefined($"'in' a text needs a text, found {PythonType.Describe(item)}"));
            case TemplateList list:
                return list.Items.Any(i => AreEqual(i, item, context));
            case TemplateDict dict:
                return dict.TryGet(item, out _);
            case Undefined:
                return false;
            default:
                throw context.Error($"'in' does not work on {PythonType.Describe(container)}");
        }
    }

    /// <summary>Order by code points; UTF-16 units order differently beyond U+FFFF.</summary>
    public static int CompareText(string a, string b)
    {
        for (var i = 0; i < a.Length && i < b.Length; i++)
        {
            if (a[i] != b[i])
            {
                return char.IsSurrogate(a[i]) != char.IsSurrogate(b[i]) ? (char.IsSurrogate(a[i]) ? 1 : -1) : a[i] - b[i];
            }
        }
        return a.Length - b.Length;
    }

    public static long Integer(object? value) => value is bool flag ? (flag ? 1 : 0) : (long)value!;

    private static double Number(object? value) => value is double number ? number : Integer(value);

    private static int? CompareNumbers(object? left, object? right)
    {
        if (left is not double && right is not double)
        {
            return Integer(left).CompareTo(Integer(right));
        }
        var (a, b) = (Number(left), Number(right));
        return double.IsNaN(a) || double.IsNaN(b) ? null : a.CompareTo(b);
    }

    private static string RepeatText(string text, long count, RenderContext context)
    {
        count = Math.Max(count, 0);
        if (text.Length == 0 || count == 0)
        {
            return "";
        }
        context.Reserve(count > context.Limits.Value ? count : count * text.Length, "a repeated text");
        return new StringBuilder().Insert(0, text, (int)count).ToString();
    }

    private static TemplateList RepeatList(TemplateList list, long count, RenderContext context)
    {
        count = Math.Max(count, 0);
        if (list.Items.Count == 0 || count == 0)
        {
            return list with { Items = [] };
        }
        context.Reserve(count > context.Limits.Value ? count : 8 * count * list.Items.Count, "a repeated list");
        return list with { Items = [.. Enumerable.Repeat(list.Items, (int)count).SelectMany(i => i)] };
    }

    private static object OfIntegers(string operation, long a, long b, RenderContext context)
    {
        if (b == 0 && (operation is "/" or "//" or "%"))
        {
            throw context.Error("division by zero");
        }
        try
        {
            return operation switch
            {
                "+" => checked(a + b),
                "-" => checked(a - b),
                "*" => checked(a * b),
                "/" => (double)a / b,
                "//" => b == -1 ? checked(-a) : (a / b) - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0),
                "%" => b == -1 ? 0 : a % b != 0 && (a < 0) != (b < 0) ? (a % b) + b : a % b,
                _ => b < 0 ? OfFloats("**", a, b, context) : Power(a, b),
            };
        }
        catch (OverflowException)
        {
            throw context.Error($"{a} {operation} {b} does not fit 64 bits");
        }
    }

    private static long Power(long a, long b)
    {
        var power = 1L;
        for (; b > 0; b >>= 1)
        {
            if ((b & 1) != 0)
            {
                power = checked(power * a);
            }
            if (b > 1)
            {
                a = checked(a * a);
            }
        }
        return power;
    }

    private static object OfFloats(string operation, double a, double b, RenderContext context)
    {
        if (b == 0 ? operation is "/" or "//" or "%" : operation == "**" && a == 0 && b < 0)
        {
            throw context.Error("division by zero");
        }
        switch (operation)
        {
            case "+":
                return a + b;
            case "-":
                return a - b;
            case "*":
                return a * b;
            case "/":
                return a / b;
            case "//":
                return Math.Floor(a / b);
            case "%":
                var rest = a % b;
                return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
            default:
                return a < 0 && b != Math.Floor(b)
                    ? throw context.Error("a negative number has no real power of this kind")
                    : Math.Pow(a, b);
        }
    }
}
