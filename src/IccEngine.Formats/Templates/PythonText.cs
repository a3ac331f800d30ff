using System.Globalization;
using System.Numerics;
using System.Text;

namespace IccEngine.Formats;

/// <summary>How Python prints values: str and repr.</summary>
internal static class PythonText
{
    /// <summary>str(value), as an output tag writes it; an undefined value is the empty text.</summary>
    public static string Str(object? value, RenderContext context)
    {
        switch (value)
        {
            case string text:
                return text;
            case Undefined:
                return "";
            default:
                var output = new StringBuilder();
                Repr(output, value, context, 0);
                return output.ToString();
        }
    }

    /// <summary>repr(value).</summary>
    private static void Repr(StringBuilder output, object? value, RenderContext context, int depth)
    {
        context.CheckDepth(depth);
        switch (value)
        {
            case string text:
                context.Write(output, Quote(text));
                break;
            case TemplateList { IsTuple: true, Items: [var only] }:
                context.Write(output, "(");
                Repr(output, only, context, depth + 1);
                context.Write(output, ",)");
                break;
            case TemplateList list:
                context.Write(output, list.IsTuple ? "(" : "[");
                for (var i = 0; i < list.Items.Count; i++)
                {
                    context.Write(output, i == 0 ? "" : ", ");
                    Repr(output, list.Items[i], context, depth + 1);
                }
                context.Write(output, list.IsTuple ? ")" : "]");
                break;
            case TemplateDict dict:
                context.Write(output, "{");
                var first = true;
                foreach (var (key, item) in dict.Entries)
                {
                    context.Write(output, first ? "" : ", ");
                    first = false;
                    Repr(output, key, context, depth + 1);
                    context.Write(output, ": ");
                    Repr(output, item, context, depth + 1);
                }
                context.Write(output, "}");
                break;
            case Undefined:
                context.Write(output, "Undefined");
                break;
            default:
                context.Write(output, Scalar(value) ?? throw context.Error($"{PythonType.Describe(value)} cannot be printed"));
                break;
        }
    }

    /// <summary>str of None, booleans and numbers; null for anything else.</summary>
    public static string? Scalar(object? value) => value switch
    {
        null => "None",
        true => "True",
        false => "False",
        long integer => integer.ToString(CultureInfo.InvariantCulture),
        BigInteger integer => integer.ToString(CultureInfo.InvariantCulture),
        double number => Float(number),
        _ => null,
    };

    /// <summary>repr of a float: the shortest digits that read back, plain from 1e-4 up to below 1e16.</summary>
    public static string Float(double number)
    {
        if (double.IsNaN(number))
        {
            return "nan";
        }
        if (double.IsInfinity(number))
        {
            return number > 0 ? "inf" : "-inf";
        }
        var shortest = number.ToString("R", CultureInfo.InvariantCulture);
        var sign = shortest.StartsWith('-') ? "-" : "";
        var power = shortest.IndexOf('E');
        var mantissa = (power < 0 ? shortest : shortest[..power])[sign.Length..];
        var point = mantissa.IndexOf('.') < 0 ? mantissa.Length : mantissa.IndexOf('.');
        var all = mantissa.Replace(".", "");
        var zeros = all.Length - all.TrimStart('0').Length;
        var digits = all.Trim('0');
        // Decimal exponent of the first digit that is not zero.
        var exponent = digits.Length == 0
            ? 0
            : point - 1 - zeros + (power < 0 ? 0 : int.Parse(shortest.AsSpan(power + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture));
        digits = digits.Length == 0 ? "0" : digits;
        if (exponent is < -4 or >= 16)
        {
            var fraction = digits.Length > 1 ? "." + digits[1..] : "";
            return $"{sign}{digits[0]}{fraction}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}";
        }
        if (exponent < 0)
        {
            return $"{sign}0.{new string('0', -exponent - 1)}{digits}";
        }
        var whole = digits.PadRight(exponent + 1, '0');
        return $"{sign}{whole[..(exponent + 1)]}.{(whole.Length > exponent + 1 ? whole[(exponent + 1)..] : "0")}";
    }

    /// <summary>repr of a text: single quotes unless it holds one and no double quote; what cannot be printed is escaped.</summary>
    public static string Quote(string text)
    {
        var quote = text.Contains('\'') && !text.Contains('"') ? '"' : '\'';
        var output = new StringBuilder(text.Length + 2).Append(quote);
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (c == quote || c == '\\')
            {
                output.Append('\\').Append(c);
            }
            else if (c is '\n' or '\r' or '\t')
            {
                output.Append('\\').Append(c == '\n' ? 'n' : c == '\r' ? 'r' : 't');
            }
            else if (char.IsHighSurrogate(c) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]))
            {
                var rune = new Rune(c, text[++i]);
                _ = IsPrintable(Rune.GetUnicodeCategory(rune)) ? output.Append(rune) : output.Append(CultureInfo.InvariantCulture, $"\\U{rune.Value:x8}");
            }
            else if (c == ' ' || IsPrintable(char.GetUnicodeCategory(c)))
            {
                output.Append(c);
            }
            else
            {
                _ = c < 0x100 ? output.Append(CultureInfo.InvariantCulture, $"\\x{(int)c:x2}") : output.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
            }
        }
        return output.Append(quote).ToString();
    }

    private static bool IsPrintable(UnicodeCategory category) => category is not (UnicodeCategory.Control or UnicodeCategory.Format
        or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned
        or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.SpaceSeparator);
}
