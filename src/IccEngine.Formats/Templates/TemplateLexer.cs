using IccEngine.Core;

namespace IccEngine.Formats;

/// <summary>
/// Cuts a template into text and the tokens of its tags, with trim_blocks and lstrip_blocks on, as chat templates are
/// rendered: the newline behind a block or comment tag goes, and so do blanks before one that begins a line.
/// </summary>
internal sealed partial class TemplateLexer
{
    private readonly string _name;
    private readonly string _source;
    private readonly List<TemplateToken> _tokens = [];
    private int _at;
    private int _line = 1;
    private int _lineCountedTo;
    private bool _lineStarting = true;

    private TemplateLexer(string source, string name)
    {
        _name = name;
        _source = source;
    }

    public static List<TemplateToken> Tokenize(string source, string name)
    {
        var text = source.Replace("\r\n", "\n").Replace('\r', '\n');
        var lexer = new TemplateLexer(text.EndsWith('\n') ? text[..^1] : text, name);
        lexer.Run();
        return lexer._tokens;
    }

    private void Run()
    {
        while (_at < _source.Length)
        {
            var tag = NextTag(_at);
            if (tag < 0)
            {
                AddText(_source[_at..]);
                _at = _source.Length;
                break;
            }
            var kind = _source[tag + 1];
            var sign = tag + 2 < _source.Length && _source[tag + 2] is '-' or '+' ? _source[tag + 2] : '\0';
            AddText(StripBeforeTag(_source[_at..tag], sign, kind == '{'));
            _at = tag + (sign == '\0' ? 2 : 3);
            _lineStarting = false;
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
        Add(TokenKind.End, "", _source.Length);
    }

    /// <summary>Position of the next "{%", "{{" or "{#", or -1.</summary>
    private int NextTag(int from)
    {
        for (var i = _source.IndexOf('{', from); i >= 0 && i + 1 < _source.Length; i = _source.IndexOf('{', i + 1))
        {
            if (_source[i + 1] is '%' or '{' or '#')
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
        return (lineStart > 0 || _lineStarting) && text.AsSpan(lineStart).IndexOfAnyExceptSpace() < 0 ? text[..lineStart] : text;
    }

    private void SkipComment()
    {
        var open = _at;
        var close = _source.IndexOf("#}", _at, StringComparison.Ordinal);
        if (close < 0)
        {
            throw Error(open, "the comment is not closed: '#}' is missing");
        }
        var sign = close > open ? _source[close - 1] : '\0';
        _at = close + 2;
        AfterEnd(sign);
    }

    /// <summary>White space behind the end of a block or comment.</summary>
    private void AfterEnd(char sign)
    {
        if (sign == '-')
        {
            SkipSpace();
        }
        else if (sign != '+' && _at < _source.Length && _source[_at] == '\n')
        {
            _at++;
        }
        _lineStarting = _source[_at - 1] == '\n';
    }

    private void SkipSpace()
    {
        while (_at < _source.Length && PythonSpace.IsSpace(_source[_at]))
        {
            _at++;
        }
    }

    /// <summary>{% raw %} ... {% endraw %}: text as it stands. <see cref="_at"/> is behind "{%" and its sign.</summary>
    private bool TryRaw()
    {
        var open = _at;
        if (!TryRawTag("raw", out var endSign))
        {
            _at = open;
            return false;
        }
        if (endSign == '-')
        {
            SkipSpace();
        }
        _lineStarting = _source[_at - 1] == '\n';
        var start = _at;
        for (var i = _source.IndexOf("{%", _at, StringComparison.Ordinal); i >= 0; i = _source.IndexOf("{%", i + 2, StringComparison.Ordinal))
        {
            var sign = i + 2 < _source.Length && _source[i + 2] is '-' or '+' ? _source[i + 2] : '\0';
            _at = i + (sign == '\0' ? 2 : 3);
            if (TryRawTag("endraw", out endSign))
            {
                AddText(StripBeforeTag(_source[start..i], sign, isOutput: false));
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
        if (string.CompareOrdinal(_source, _at, word, 0, word.Length) != 0)
        {
            return false;
        }
        _at += word.Length;
        SkipSpace();
        if (_at < _source.Length && _source[_at] is '-' or '+')
        {
            endSign = _source[_at++];
        }
        if (string.CompareOrdinal(_source, _at, "%}", 0, 2) != 0)
        {
            return false;
        }
        _at += 2;
        return true;
    }

    private void ReadTag(bool isBlock)
    {
        var open = _at;
        var brackets = new Stack<char>();
        while (true)
        {
            SkipSpace();
            if (_at >= _source.Length)
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
        var sign = _source[_at] == '-' || (isBlock && _source[_at] == '+') ? _source[_at] : '\0';
        var end = _at + (sign == '\0' ? 0 : 1);
        if (string.CompareOrdinal(_source, end, close, 0, 2) != 0)
        {
            return false;
        }
        Add(isBlock ? TokenKind.BlockEnd : TokenKind.OutputEnd, "", _at);
        _at = end + 2;
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
            _lineStarting = _source[_at - 1] == '\n';
        }
        return true;
    }

    private void AddText(string text)
    {
        if (text.Length > 0)
        {
            Add(TokenKind.Text, text, _at);
        }
    }

    private void Add(TokenKind kind, string text, int position) => _tokens.Add(new TemplateToken(kind, text, LineOf(position)));

    /// <summary>Line of a position, from 1; positions are asked for in almost ascending order.</summary>
    private int LineOf(int position)
    {
        if (position > _lineCountedTo)
        {
            _line += _source.AsSpan(_lineCountedTo, position - _lineCountedTo).Count('\n');
            _lineCountedTo = position;
        }
        return _line;
    }

    private IccFormatException Error(int position, string message) => new(_name, $"line {LineOf(position)}: {message}");
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
