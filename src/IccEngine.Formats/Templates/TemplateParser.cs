namespace IccEngine.Formats;

/// <summary>Statements of a template.</summary>
internal sealed class TemplateParser
{
    private static readonly string[] EndNames =
        ["endfor", "endif", "endset", "endmacro", "endwith", "endfilter", "endgeneration", "else", "elif"];

    private readonly TokenReader _reader;
    private readonly ExpressionParser _expressions;
    private int _loops;

    private TemplateParser(TokenReader reader)
    {
        _reader = reader;
        _expressions = new ExpressionParser(reader);
    }

    public static Statement[] Parse(string source, string name, TemplateLimits limits)
    {
        var reader = new TokenReader(TemplateLexer.Tokenize(source, name), name, limits);
        return new TemplateParser(reader).ParseBody(null);
    }

    /// <summary>
    /// Statements up to a tag named in Ends of <paramref name="block"/>, whose "{%" is then read and whose name is current; or up to
    /// the end of the template.
    /// </summary>
    private Statement[] ParseBody((string Tag, int Line, string[] Ends)? block)
    {
        _reader.Enter();
        var body = new List<Statement>();
        while (true)
        {
            var token = _reader.Next();
            switch (token.Kind)
            {
                case TokenKind.Text:
                    body.Add(new TextStatement(token.Line, token.Text));
                    break;
                case TokenKind.OutputBegin:
                    body.Add(new OutputStatement(token.Line, _expressions.ParseTuple()));
                    _reader.ExpectEnd(TokenKind.OutputEnd);
                    break;
                case TokenKind.BlockBegin:
                    if (block is { } b && _reader.Current.Kind == TokenKind.Name && b.Ends.Contains(_reader.Current.Text))
                    {
                        _reader.Leave();
                        return [.. body];
                    }
                    body.Add(ParseStatement());
                    break;
                default:
                    if (block is { } open)
                    {
                        throw _reader.ErrorAt(open.Line, $"the block '{open.Tag}' is not closed: '{open.Ends[^1]}' is missing");
                    }
                    _reader.Leave();
                    return [.. body];
            }
        }
    }

    private Statement ParseStatement()
    {
        var line = _reader.Line;
        if (_reader.Current.Kind != TokenKind.Name)
        {
            throw _reader.Error($"expected the name of a tag, found {_reader.Current.Describe()}");
        }
        var tag = _reader.Next().Text;
        return tag switch
        {
            "if" => ParseIf(line),
            "for" => ParseFor(line),
            "set" => ParseSet(line),
            "macro" => ParseMacro(line),
            "with" => ParseWith(line),
            "filter" => ParseFilterBlock(line),
            "generation" => ParseGeneration(line),
            "break" or "continue" => ParseJump(line, tag),
            _ when EndNames.Contains(tag) => throw _reader.ErrorAt(line, $"unexpected '{tag}': no such block is open here"),
            _ => throw _reader.Unsupported(line, $"the tag '{tag}'"),
        };
    }

    private IfStatement ParseIf(int line)
    {
        var branches = new List<(Expression, Statement[])>();
        Statement[] otherwise = [];
        while (true)
        {
            var condition = _expressions.ParseTuple(withConditional: false);
            BeginBody();
            branches.Add((condition, ParseBody(("if", line, ["elif", "else", "endif"]))));
            if (!_reader.SkipName("elif"))
            {
                break;
            }
        }
        if (_reader.SkipName("else"))
        {
            _reader.ExpectEnd(TokenKind.BlockEnd);
            otherwise = ParseBody(("if", line, ["endif"]));
        }
        EndBlock("endif");
        return new IfStatement(line, [.. branches], otherwise);
    }

    private ForStatement ParseFor(int line)
    {
        var target = ParseTarget(withAttribute: false);
        if (target.Names.Contains("loop"))
        {
            throw _reader.ErrorAt(line, "'loop' cannot be the variable of a loop");
        }
        _reader.ExpectName("in");
        var items = _expressions.ParseTuple(withConditional: false);
        var condition = _reader.SkipName("if") ? _expressions.Parse() : null;
        if (_reader.IsName("recursive"))
        {
            throw _reader.Unsupported(line, "a recursive loop");
        }
        BeginBody();
        _loops++;
        var body = ParseBody(("for", line, ["else", "endfor"]));
        _loops--;
        Statement[] otherwise = [];
        if (_reader.SkipName("else"))
        {
            _reader.ExpectEnd(TokenKind.BlockEnd);
            otherwise = ParseBody(("for", line, ["endfor"]));
        }
        EndBlock("endfor");
        return new ForStatement(line, target, items, condition, body, otherwise);
    }

    private Statement ParseSet(int line)
    {
        var target = ParseTarget(withAttribute: true);
        if (_reader.SkipOperator("="))
        {
            var value = _expressions.ParseTuple();
            _reader.ExpectEnd(TokenKind.BlockEnd);
            return new SetStatement(line, target, value);
        }
        var filters = _expressions.ParseBlockFilters(startsInline: false);
        BeginBody();
        var body = ParseOwnBody("set", line, "endset");
        return new CaptureStatement(line, target, filters, body);
    }

    private CaptureStatement ParseFilterBlock(int line)
    {
        var filters = _expressions.ParseBlockFilters(startsInline: true);
        BeginBody();
        return new CaptureStatement(line, null, filters, ParseOwnBody("filter", line, "endfilter"));
    }

    private MacroStatement ParseMacro(int line)
    {
        var name = _reader.NewName();
        var parameters = new List<(string, Expression?)>();
        _reader.ExpectOperator("(");
        while (!_reader.SkipOperator(")"))
        {
            if (parameters.Count > 0)
            {
                _reader.ExpectOperator(",");
            }
            var parameter = _reader.NewName();
            var value = _reader.SkipOperator("=") ? _expressions.Parse() : null;
            if (value is null && parameters.Count > 0 && parameters[^1].Item2 is not null)
            {
                throw _reader.Error($"the parameter '{parameter}' needs a default value, as the one before it has one");
            }
            parameters.Add((parameter, value));
        }
        BeginBody();
        return new MacroStatement(line, name, [.. parameters], ParseOwnBody("macro", line, "endmacro"));
    }

    private ScopeStatement ParseWith(int line)
    {
        var assignments = new List<(AssignTarget, Expression)>();
        while (_reader.Current.Kind != TokenKind.BlockEnd)
        {
            if (assignments.Count > 0)
            {
                _reader.ExpectOperator(",");
            }
            var name = _reader.NewName();
            _reader.ExpectOperator("=");
            assignments.Add((new AssignTarget([name], IsTuple: false, Attribute: null), _expressions.Parse()));
        }
        _reader.Next();
        return new ScopeStatement(line, [.. assignments], ParseOwnBody("with", line, "endwith"));
    }

    private ScopeStatement ParseGeneration(int line)
    {
        _reader.ExpectEnd(TokenKind.BlockEnd);
        return new ScopeStatement(line, [], ParseOwnBody("generation", line, "endgeneration"));
    }

    private Statement ParseJump(int line, string tag)
    {
        if (_loops == 0)
        {
            throw _reader.ErrorAt(line, $"'{tag}' outside a loop");
        }
        _reader.ExpectEnd(TokenKind.BlockEnd);
        return tag == "break" ? new BreakStatement(line) : new ContinueStatement(line);
    }

    /// <summary>A body that is rendered on its own: a loop outside it cannot be left from inside.</summary>
    private Statement[] ParseOwnBody(string tag, int line, string end)
    {
        var outer = _loops;
        _loops = tag is "with" ? _loops : 0;
        var body = ParseBody((tag, line, [end]));
        _loops = outer;
        EndBlock(end);
        return body;
    }

    /// <summary>The end of an opening tag; Jinja allows a colon before it.</summary>
    private void BeginBody()
    {
        _reader.SkipOperator(":");
        _reader.ExpectEnd(TokenKind.BlockEnd);
    }

    private void EndBlock(string end)
    {
        _reader.ExpectName(end);
        if (end == "endmacro" && _reader.Current.Kind == TokenKind.Name)
        {
            _reader.Next();
        }
        _reader.ExpectEnd(TokenKind.BlockEnd);
    }

    private AssignTarget ParseTarget(bool withAttribute)
    {
        var first = _reader.IsOperator("(") ? "" : _reader.NewName();
        if (first.Length > 0 && withAttribute && _reader.SkipOperator("."))
        {
            return _reader.Current.Kind == TokenKind.Name
                ? new AssignTarget([first], IsTuple: false, _reader.Next().Text)
                : throw _reader.Error($"expected the name of an attribute, found {_reader.Current.Describe()}");
        }
        var inParentheses = first.Length == 0 && _reader.SkipOperator("(");
        var names = new List<string> { inParentheses ? _reader.NewName() : first };
        var isTuple = false;
        while (_reader.SkipOperator(","))
        {
            isTuple = true;
            if (_reader.Current.Kind != TokenKind.Name || _reader.IsName("in"))
            {
                break;
            }
            names.Add(_reader.NewName());
        }
        if (inParentheses)
        {
            _reader.ExpectOperator(")");
        }
        return new AssignTarget([.. names], isTuple, Attribute: null);
    }
}
