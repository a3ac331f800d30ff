using System.Globalization;
using System.Text;
using IccEngine.Core;

namespace IccEngine.Formats;

/// <summary>
/// Cuts a template into text and the tokens of its tags, with trim_blocks and lstrip_blocks on, as chat templates are
/// rendered: the newline behind a block or comment tag goes, and so do blanks before one that begins a line.
/// </summary>
internal sealed class TemplateLexer
{
    private static readonly string[] Operators =
        ["//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}", ">", "<", "=", ".", ":", "|", ",", ";"];

    private readonly string name;
    private readonly string source;
    private readonly List<TemplateToken> tokens = [];
    private int at;
    private int line = 1;
    private int lineCountedTo;
    private bool lineStarting = true;

    private TemplateLexer(string source, string name)
    {
        this.name = name;
        this.source = source;
    }

    public static List<TemplateToken> Tokenize(string source, string name)
    {
        var text = source.Replace("\r\n", "\n").Replace('\r', '\n');
        var lexer = new TemplateLexer(text.EndsWith('\n') ? text[..^1] : text, name);
        lexer.Run();
        return lexer.tokens;
    }

    private void Run()
    {
        while (at < source.Length)
        {
            var tag = NextTag(at);
            if (tag < 0)
            {
                AddText(source[at..]);
                at = source.Length;
                break;
            }
            var kind = source[tag + 1];
            var sign = tag + 2 < source.Length && source[tag + 2] is '-' or '+' ? source[tag + 2] : '\0';
            AddText(StripBeforeTag(source[at..tag], sign, kind == '{'));
            at = tag + (sign == '\0' ? 2 : 3);
            lineStarting = false;
            if (kind == '#')
            {
                SkipComment();
            }
            else if (kind == '%' && TryRaw())
            {
                continue;
            }
            else
            {
                Add(kind == '%' ? TokenKind.BlockBegin : TokenKind.OutputBegin, "", tag);
                ReadTag(kind == '%');
            }
        }
        Add(TokenKind.End, "", source.Length);
    }

    /// <summary>Position of the next "{%", "{{" or "{#", or -1.</summary>
    private int NextTag(int from)
    {
        for (var i = source.IndexOf('{', from); i >= 0 && i + 1 < source.Length; i = source.IndexOf('{', i + 1))
        {
            if (source[i + 1] is '%' or '{' or '#')
            {
                return i;
            }
        }
        return -1;
    }

    private string StripBeforeTag(string text, char sign, bool isOutput)
    {
        if (sign == '-')
        {
            return PythonSpace.TrimEnd(text);
        }
        if (sign == '+' || isOutput)
        {
            return text;
        }
        var lineStart = text.LastIndexOf('\n') + 1;
        return (lineStart > 0 || lineStarting) && text.AsSpan(lineStart).IndexOfAnyExceptSpace() < 0 ? text[..lineStart] : text;
    }

    private void SkipComment()
    {
        var open = at;
        var close = source.IndexOf("#}", at, StringComparison.Ordinal);
        if (close < 0)
        {
            throw Error(open, "the comment is not closed: '#}' is missing");
        }
        var sign = close > open ? source[close - 1] : '\0';
        at = close + 2;
        AfterEnd(sign);
    }

    /// <summary>White space behind the end of a block or comment.</summary>
    private void AfterEnd(char sign)
    {
        if (sign == '-')
        {
            SkipSpace();
        }
        else if (sign != '+' && at < source.Length && source[at] == '\n')
        {
            at++;
        }
        lineStarting = source[at - 1] == '\n';
    }

    private void SkipSpace()
    {
        while (at < source.Length && PythonSpace.IsSpace(source[at]))
        {
            at++;
        }
    }

    /// <summary>{% raw %} ... {% endraw %}: text as it stands. <see cref="at"/> is behind "{%" and its sign.</summary>
    private bool TryRaw()
    {
        var open = at;
        if (!TryRawTag("raw", out var endSign))
        {
            at = open;
            return false;
        }
        if (endSign == '-')
        {
            SkipSpace();
        }
        lineStarting = source[at - 1] == '\n';
        var start = at;
        for (var i = source.IndexOf("{%", at, StringComparison.Ordinal); i >= 0; i = source.IndexOf("{%", i + 2, StringComparison.Ordinal))
        {
            var sign = i + 2 < source.Length && source[i + 2] is '-' or '+' ? source[i + 2] : '\0';
            at = i + (sign == '\0' ? 2 : 3);
            if (TryRawTag("endraw", out endSign))
            {
                AddText(StripBeforeTag(source[start..i], sign, isOutput: false));
                AfterEnd(endSign);
                return true;
            }
        }
        throw Error(open, "{% raw %} is not closed: {% endraw %} is missing");
    }

    private bool TryRawTag(string word, out char endSign)
    {
        endSign = '\0';
        SkipSpace();
        if (string.CompareOrdinal(source, at, word, 0, word.Length) != 0)
        {
            return false;
        }
        at += word.Length;
        SkipSpace();
        if (at < source.Length && source[at] is '-' or '+')
        {
            endSign = source[at++];
        }
        if (string.CompareOrdinal(source, at, "%}", 0, 2) != 0)
        {
            return false;
        }
        at += 2;
        return true;
    }

    private void ReadTag(bool isBlock)
    {
        var open = at;
        var brackets = new Stack<char>();
        while (true)
        {
            SkipSpace();
            if (at >= source.Length)
            {
                throw Error(open, $"the tag is not closed: '{(isBlock ? "%}" : "}}")}' is missing");
            }
            if (brackets.Count == 0 && TryEndTag(isBlock))
            {
                return;
            }
            ReadToken(brackets);
        }
    }

    private bool TryEndTag(bool isBlock)
    {
        var close = isBlock ? "%}" : "}}";
        var sign = source[at] == '-' || (isBlock && source[at] == '+') ? source[at] : '\0';
        var end = at + (sign == '\0' ? 0 : 1);
        if (string.CompareOrdinal(source, end, close, 0, 2) != 0)
        {
            return false;
        }
        Add(isBlock ? TokenKind.BlockEnd : TokenKind.OutputEnd, "", at);
        at = end + 2;
        if (isBlock)
        {
            AfterEnd(sign);
        }
        else
        {
            if (sign == '-')
            {
                SkipSpace();
            }
            lineStarting = source[at - 1] == '\n';
        }
        return true;
    }

    private void ReadToken(Stack<char> brackets)
    {
        var start = at;
        var c = source[at];
        if (c is '\'' or '"')
        {
            ReadString(c);
        }
        else if (char.IsAsciiDigit(c))
        {
            ReadNumber();
        }
        else if (char.IsLetter(c) || c == '_')
        {
            while (at < source.Length && (char.IsLetterOrDigit(source[at]) || source[at] == '_'))
            {
                at++;
            }
            Add(TokenKind.Name, source[start..at], start);
        }
        else
        {
            ReadOperator(brackets);
        }
    }

    private void ReadOperator(Stack<char> brackets)
    {
        var found = Array.Find(Operators, o => string.CompareOrdinal(source, at, o, 0, o.Length) == 0)
            ?? throw Error(at, $"unexpected character '{source[at]}'");
        switch (found)
        {
            case "(" or "[" or "{":
                brackets.Push(found[0] == '(' ? ')' : found[0] == '[' ? ']' : '}');
                break;
            case ")" or "]" or "}" when brackets.Count == 0:
                throw Error(at, $"unexpected '{found}'");
            case ")" or "]" or "}":
                var expected = brackets.Pop();
                if (expected != found[0])
                {
                    throw Error(at, $"unexpected '{found}', expected '{expected}'");
                }
                break;
        }
        Add(TokenKind.Operator, found, at);
        at += found.Length;
    }

    /// <summary>Decimal integers, with underscores between digits, and floats; a float needs digits on both sides of its point.</summary>
    private void ReadNumber()
    {
        var start = at;
        SkipDigits();
        var isFloat = false;
        if (start == 0 || source[start - 1] != '.')
        {
            if (at + 1 < source.Length && source[at] == '.' && char.IsAsciiDigit(source[at + 1]))
            {
                at++;
                SkipDigits();
                isFloat = true;
            }
            var exponent = at + 1 < source.Length && source[at] is 'e' or 'E' ? at + (source[at + 1] is '+' or '-' ? 2 : 1) : source.Length;
            if (exponent < source.Length && char.IsAsciiDigit(source[exponent]))
            {
                at = exponent;
                SkipDigits();
                isFloat = true;
            }
        }
        var digits = source[start..at].Replace("_", "");
        if (!isFloat && digits.Length > 1 && digits[0] == '0' && digits.AsSpan().ContainsAnyExcept('0'))
        {
            throw Error(start, $"'{digits}' is not a number: an integer does not begin with 0");
        }
        Add(isFloat ? TokenKind.Float : TokenKind.Integer, digits, start);
    }

    private void SkipDigits()
    {
        while (at < source.Length
            && (char.IsAsciiDigit(source[at]) || (source[at] == '_' && at + 1 < source.Length && char.IsAsciiDigit(source[at + 1]))))
        {
            at++;
        }
    }

    private void ReadString(char quote)
    {
        var start = at++;
        var value = new StringBuilder();
        while (true)
        {
            if (at >= source.Length)
            {
                throw Error(start, $"the string is not closed: {quote} is missing");
            }
            var c = source[at++];
            if (c == quote)
            {
                break;
            }
            if (c == '\\' && at < source.Length)
            {
                ReadEscape(value);
            }
            else
            {
                value.Append(c);
            }
        }
        Add(TokenKind.String, value.ToString(), start);
    }

    /// <summary>Python's escapes; a backslash before anything else stays.</summary>
    private void ReadEscape(StringBuilder value)
    {
        var c = source[at++];
        switch (c)
        {
            case '\n':
                break;
            case '\\' or '\'' or '"':
                value.Append(c);
                break;
            case 'a':
                value.Append('\a');
                break;
            case 'b':
                value.Append('\b');
                break;
            case 'f':
                value.Append('\f');
                break;
            case 'n':
                value.Append('\n');
                break;
            case 'r':
                value.Append('\r');
                break;
            case 't':
                value.Append('\t');
                break;
            case 'v':
                value.Append('\v');
                break;
            case 'x':
                ReadHex(value, 2);
                break;
            case 'u':
                ReadHex(value, 4);
                break;
            case 'U':
                ReadHex(value, 8);
                break;
            case >= '0' and <= '7':
                var code = c - '0';
                for (var i = 0; i < 2 && at < source.Length && source[at] is >= '0' and <= '7'; i++)
                {
                    code = (code * 8) + (source[at++] - '0');
                }
                value.Append((char)code);
                break;
            case 'N':
                throw new IccUnsupportedException($"{name}: line {LineOf(at)}: characters by name (\\N{{...}}) are not supported");
            default:
                value.Append('\\').Append(c);
                break;
        }
    }

    private void ReadHex(StringBuilder value, int digits)
    {
        if (at + digits > source.Length
            || !int.TryParse(source.AsSpan(at, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var code)
            || code is < 0 or > 0x10ffff)
        {
            throw Error(at, $"a string holds a broken escape: {digits} hexadecimal digits of a character were expected");
        }
        at += digits;
        if (code > 0xffff)
        {
            value.Append(char.ConvertFromUtf32(code));
        }
        else
        {
            value.Append((char)code);
        }
    }

    private void AddText(string text)
    {
        if (text.Length > 0)
        {
            Add(TokenKind.Text, text, at);
        }
    }

    private void Add(TokenKind kind, string text, int position) => tokens.Add(new TemplateToken(kind, text, LineOf(position)));

    /// <summary>Line of a position, from 1; positions are asked for in almost ascending order.</summary>
    private int LineOf(int position)
    {
        if (position > lineCountedTo)
        {
            line += source.AsSpan(lineCountedTo, position - lineCountedTo).Count('\n');
            lineCountedTo = position;
        }
        return line;
    }

    private IccFormatException Error(int position, string message) => new(name, $"line {LineOf(position)}: {message}");
}

internal static class SpaceSpanExtensions
{
    /// <summary>Index of the first character that is no white space, or -1.</summary>
    public static int IndexOfAnyExceptSpace(this ReadOnlySpan<char> text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (!PythonSpace.IsSpace(text[i]))
            {
                return i;
            }
        }
        return -1;
    }
}
