using System.Globalization;
using System.Text;
using IccEngine.Core;

namespace IccEngine.Formats;

/// <summary>Names, numbers, texts and operators inside tags.</summary>
internal sealed partial class TemplateLexer
{
    private static readonly string[] Operators =
        ["//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}", ">", "<", "=", ".", ":", "|", ",", ";"];

    private void ReadToken(Stack<char> brackets)
    {
        var start = _at;
        var c = _source[_at];
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
            while (_at < _source.Length && (char.IsLetterOrDigit(_source[_at]) || _source[_at] == '_'))
            {
                _at++;
            }
            Add(TokenKind.Name, _source[start.._at], start);
        }
        else
        {
            ReadOperator(brackets);
        }
    }

    private void ReadOperator(Stack<char> brackets)
    {
        var found = Array.Find(Operators, o => string.CompareOrdinal(_source, _at, o, 0, o.Length) == 0)
            ?? throw Error(_at, $"unexpected character '{_source[_at]}'");
        switch (found)
        {
            case "(" or "[" or "{":
                brackets.Push(found[0] == '(' ? ')' : found[0] == '[' ? ']' : '}');
                break;
            case ")" or "]" or "}" when brackets.Count == 0:
                throw Error(_at, $"unexpected '{found}'");
            case ")" or "]" or "}":
                var expected = brackets.Pop();
                if (expected != found[0])
                {
                    throw Error(_at, $"unexpected '{found}', expected '{expected}'");
                }
                break;
        }
        Add(TokenKind.Operator, found, _at);
        _at += found.Length;
    }

    /// <summary>Decimal integers, with underscores between digits, and floats; a float needs digits on both sides of its point.</summary>
    private void ReadNumber()
    {
        var start = _at;
        SkipDigits();
        var isFloat = false;
        if (start == 0 || _source[start - 1] != '.')
        {
            if (_at + 1 < _source.Length && _source[_at] == '.' && char.IsAsciiDigit(_source[_at + 1]))
            {
                _at++;
                SkipDigits();
                isFloat = true;
            }
            var exponent = _at + 1 < _source.Length && _source[_at] is 'e' or 'E' ? _at + (_source[_at + 1] is '+' or '-' ? 2 : 1) : _source.Length;
            if (exponent < _source.Length && char.IsAsciiDigit(_source[exponent]))
            {
                _at = exponent;
                SkipDigits();
                isFloat = true;
            }
        }
        var digits = _source[start.._at].Replace("_", "");
        if (!isFloat && digits.Length > 1 && digits[0] == '0' && digits.AsSpan().ContainsAnyExcept('0'))
        {
            throw Error(start, $"'{digits}' is not a number: an integer does not begin with 0");
        }
        Add(isFloat ? TokenKind.Float : TokenKind.Integer, digits, start);
    }

    private void SkipDigits()
    {
        while (_at < _source.Length
            && (char.IsAsciiDigit(_source[_at]) || (_source[_at] == '_' && _at + 1 < _source.Length && char.IsAsciiDigit(_source[_at + 1]))))
        {
            _at++;
        }
    }

    private void ReadString(char quote)
    {
        var start = _at++;
        var value = new StringBuilder();
        while (true)
        {
            if (_at >= _source.Length)
            {
                throw Error(start, $"the string is not closed: {quote} is missing");
            }
            var c = _source[_at++];
            if (c == quote)
            {
                break;
            }
            if (c == '\\' && _at < _source.Length)
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
        var c = _source[_at++];
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
                for (var i = 0; i < 2 && _at < _source.Length && _source[_at] is >= '0' and <= '7'; i++)
                {
                    code = (code * 8) + (_source[_at++] - '0');
                }
                value.Append((char)code);
                break;
            case 'N':
                throw new IccUnsupportedException($"{_name}: line {LineOf(_at)}: characters by name (\\N{{...}}) are not supported");
            default:
                value.Append('\\').Append(c);
                break;
        }
    }

    private void ReadHex(StringBuilder value, int digits)
    {
        if (_at + digits > _source.Length
            || !int.TryParse(_source.AsSpan(_at, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var code)
            || code is < 0 or > 0x10ffff)
        {
            throw Error(_at, $"a string holds a broken escape: {digits} hexadecimal digits of a character were expected");
        }
        _at += digits;
        if (code > 0xffff)
        {
            value.Append(char.ConvertFromUtf32(code));
        }
        else
        {
            value.Append((char)code);
        }
    }
}
