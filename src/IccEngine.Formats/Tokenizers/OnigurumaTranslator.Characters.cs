using System.Globalization;

namespace IccEngine.Formats.Tokenizers;

/// <content>Characters, escapes and classes.</content>
internal sealed partial class OnigurumaTranslator
{
    private static readonly HashSet<string> Categories =
    [
        "L", "Lu", "Ll", "Lt", "Lm", "Lo", "M", "Mn", "Mc", "Me", "N", "Nd", "Nl", "No", "P", "Pc", "Pd", "Ps", "Pe", "Pi",
        "Pf", "Po", "S", "Sm", "Sc", "Sk", "So", "Z", "Zs", "Zl", "Zp", "Cc", "Cf", "Co", "Cn",
    ];

    private void Class(bool caseless)
    {
        at++;
        output.Append('[');
        if (More && source[at] == '^')
        {
            if (caseless)
            {
                throw json.Unsupported("a caseless negated class in the pattern");
            }
            at++;
            output.Append('^');
        }
        var empty = true;
        while (More && source[at] != ']')
        {
            empty = false;
            if (source[at] == '[' || string.CompareOrdinal(source, at, "&&", 0, 2) == 0)
            {
                throw json.Unsupported("a set operation or a nested class in the pattern");
            }
            if (source[at] == '\\' && ClassEscape(caseless) is { } set)
            {
                output.Append(set);
                continue;
            }
            var first = Character();
            if (More && source[at] == '-' && at + 1 < source.Length && source[at + 1] != ']')
            {
                at++;
                Range(first, source[at] == '[' ? throw json.Unsupported("a nested class in the pattern") : Character(), caseless);
            }
            else if (caseless)
            {
                output.Append(Caseless(first));
            }
            else
            {
                Name(first, first);
                output.Append(Escaped(first));
            }
        }
        if (!More || empty)
        {
            throw Malformed("a '[' that is not closed, or an empty class");
        }
        at++;
        output.Append(']');
    }

    private void Range(int first, int last, bool caseless)
    {
        if (first > last)
        {
            throw Malformed("a range whose end comes before its start");
        }
        if (caseless)
        {
            if (last >= 0x80)
            {
                throw json.Unsupported("a caseless range beyond ASCII in the pattern");
            }
            output.Append(string.Concat(Enumerable.Range(first, last - first + 1).Select(Caseless)));
            return;
        }
        Name(first, last);
        output.Append(Escaped(first)).Append('-').Append(Escaped(last));
    }

    /// <summary>A class escape such as \s or \p{L}; null, and nothing read, where the escape is a character.</summary>
    private string? ClassEscape(bool caseless)
    {
        var kind = at + 1 < source.Length ? source[at + 1] : '\0';
        if (kind is 's' or 'S' or 'd' or 'D')
        {
            at += 2;
            return $"\\{kind}";
        }
        if (kind is not ('p' or 'P'))
        {
            return null;
        }
        var close = source.IndexOf('}', at);
        var name = close > at + 3 && source[at + 2] == '{' ? source[(at + 3)..close] : "";
        if (!Categories.Contains(name) || (caseless && name is "Lu" or "Ll" or "Lt"))
        {
            throw json.Unsupported($"the {(caseless ? "caseless " : "")}property {JsonPlace.Quote(close < 0 ? source[at..] : source[at..(close + 1)])} in the pattern");
        }
        at = close + 1;
        return $"\\{kind}{{{name}}}";
    }

    /// <summary>Reads one literal or escaped character.</summary>
    private int Character()
    {
        var c = source[at++];
        if (char.IsSurrogate(c))
        {
            throw json.Unsupported("a character outside the BMP in the pattern");
        }
        if (c != '\\')
        {
            return c;
        }
        if (!More)
        {
            throw Malformed("a '\\' at its end");
        }
        c = source[at++];
        return c switch
        {
            'r' => '\r',
            'n' => '\n',
            't' => '\t',
            'f' => '\f',
            'v' => '\v',
            'x' when More && source[at] == '{' => Hex(source.IndexOf('}', at) - at - 1, 1),
            'x' => Hex(2, 0),
            'u' => Hex(4, 0),
            _ when c < 0x80 && !char.IsAsciiLetterOrDigit(c) => c,
            _ => throw json.Unsupported($"the escape \"\\{(char.IsControl(c) || char.IsSurrogate(c) ? '?' : c)}\" in the pattern"),
        };
    }

    private int Hex(int digits, int brackets)
    {
        var from = at + brackets;
        if (digits is < 1 or > 8 || from + digits > source.Length
            || !int.TryParse(source.AsSpan(from, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var point))
        {
            throw Malformed("an unfinished hexadecimal escape");
        }
        at = from + digits + brackets;
        return point is < 0 or > 0xFFFF || char.IsSurrogate((char)point)
            ? throw json.Unsupported("a character outside the BMP in the pattern")
            : point;
    }
}
