namespace IccEngine.Formats;

/// <summary>Statements of a template.</summary>
internal sealed class TemplateParser
{
    private static readonly string[] EndNames =
        ["endfor", "endif", "endset", "endmacro", "endwith", "endfilter", "endgeneration", "else", "elif"];

    private readonly TokenReader reader;
    private readonly ExpressionParser expressions;
    private int loops;

    private TemplateParser(TokenReader reader)
    {
        this.reader = reader;
        expressions = new ExpressionParser(reader);
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
        reader.Enter();
        var body = new List<Statement>();
        while (true)
        {
            var token = reader.Next();
            switch (token.Kind)
            {
                case TokenKind.Text:
                    body.Add(new TextStatement(token.Line, token.Text));
                    break;
                case TokenKind.OutputBegin:
                    body.Add(new OutputStatement(token.Line, expressions.ParseTuple()));
                    reader.ExpectEnd(TokenKind.OutputEnd);
                    break;
                case TokenKind.BlockBegin:
                    if (block is { } b && reader.Current.Kind == TokenKind.Name && b.Ends.Contains(reader.Current.Text))
                    {
                        reader.Leave();
                        return [.. body];
                    }
                    body.Add(ParseStatement());
                    break;
                default:
                    if (block is { } open)
                    {
                        throw reader.ErrorAt(open.Line, $"the block '{open.Tag}' is not closed: '{open.Ends[^1]}' is missing");
                    }
                    reader.Leave();
                    return [.. body];
            }
        }
    }

    private Statement ParseStatement()
    {
        var line = reader.Line;
        if (reader.Current.Kind != TokenKind.Name)
        {
            throw reader.Error($"expected the name of a tag, found {reader.Current.Describe()}");
        }
        var tag = reader.Next().Text;
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
            _ when EndNames.Contains(tag) => throw reader.ErrorAt(line, $"unexpected '{tag}': no such block is open here"),
            _ => throw reader.Unsupported(line, $"the tag '{tag}'"),
        };
    }

    private IfStatement ParseIf(int line)
    {
        var branches = new List<(Expression, Statement[])>();
        Statement[] otherwise = [];
        while (true)
        {
            var condition = expressions.ParseTuple(withConditional: false);
            BeginBody();
            branches.Add((condition, ParseBody(("if", line, ["elif", "else", "endif"]))));
            if (!reader.SkipName("elif"))
            {
                break;
            }
        }
        if (reader.SkipName("else"))
        {
            reader.ExpectEnd(TokenKind.BlockEnd);
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
            throw reader.ErrorAt(line, "'loop' cannot be the variable of a loop");
        }
        reader.ExpectName("in");
        var items = expressions.ParseTuple(withConditional: false);
        var condition = reader.SkipName("if") ? expressions.Parse() : null;
        if (reader.IsName("recursive"))
        {
            throw reader.Unsupported(line, "a recursive loop");
        }
        BeginBody();
        loops++;
        var body = ParseBody(("for", line, ["else", "endfor"]));
        loops--;
        Statement[] otherwise = [];
        if (reader.SkipName("else"))
        {
            reader.ExpectEnd(TokenKind.BlockEnd);
            otherwise = ParseBody(("for", line, ["endfor"]));
        }
        EndBlock("endfor");
        return new ForStatement(line, target, items, condition, body, otherwise);
    }

    private Statement ParseSet(int line)
    {
        var target = ParseTarget(withAttribute: true);
        if (reader.SkipOperator("="))
        {
            var value = expressions.ParseTuple();
            reader.ExpectEnd(TokenKind.BlockEnd);
            return new SetStatement(line, target, value);
        }
        var filters = expressions.ParseBlockFilters(startsInline: false);
        BeginBody();
        var body = ParseOwnBody("set", line, "endset");
        return new CaptureStatement(line, target, filters, body);
    }

    private CaptureStatement ParseFilterBlock(int line)
    {
        var filters = expressions.ParseBlockFilters(startsInline: true);
        BeginBody();
        return new CaptureStatement(line, null, filters, ParseOwnBody("filter", line, "endfilter"));
    }

    private MacroStatement ParseMacro(int line)
    {
        var name = reader.NewName();
        var parameters = new List<(string, Expression?)>();
        reader.ExpectOperator("(");
        while (!reader.SkipOperator(")"))
        {
            if (parameters.Count > 0)
            {
                reader.ExpectOperator(",");
            }
            var parameter = reader.NewName();
            var value = reader.SkipOperator("=") ? expressions.Parse() : null;
            if (value is null && parameters.Count > 0 && parameters[^1].Item2 is not null)
            {
                throw reader.Error($"the parameter '{parameter}' needs a default value, as the one before it has one");
            }
            parameters.Add((parameter, value));
        }
        BeginBody();
        return new MacroStatement(line, name, [.. parameters], ParseOwnBody("macro", line, "endmacro"));
    }

    private ScopeStatement ParseWith(int line)
    {
        var assignments = new List<(AssignTarget, Expression)>();
        while (reader.Current.Kind != TokenKind.BlockEnd)
        {
            if (assignments.Count > 0)
            {
                reader.ExpectOperator(",");
            }
            var name = reader.NewName();
            reader.ExpectOperator("=");
            assignments.Add((new AssignTarget([name], IsTuple: false, Attribute: null), expressions.Parse()));
        }
        reader.Next();
        return new ScopeStatement(line, [.. assignments], ParseOwnBody("with", line, "endwith"));
    }

    private ScopeStatement ParseGeneration(int line)
    {
        reader.ExpectEnd(TokenKind.BlockEnd);
        return new ScopeStatement(line, [], ParseOwnBody("generation", line, "endgeneration"));
    }

    private Statement ParseJump(int line, string tag)
    {
        if (loops == 0)
        {
            throw reader.ErrorAt(line, $"'{tag}' outside a loop");
        }
        reader.ExpectEnd(TokenKind.BlockEnd);
        return tag == "break" ? new BreakStatement(line) : new ContinueStatement(line);
    }

    /// <summary>A body that is rendered on its own: a loop outside it cannot be left from inside.</summary>
    private Statement[] ParseOwnBody(string tag, int line, string end)
    {
        var outer = loops;
        loops = tag is "with" ? loops : 0;
        var body = ParseBody((tag, line, [end]));
        loops = outer;
        EndBlock(end);
        return body;
    }

    /// <summary>The end of an opening tag; Jinja allows a colon before it.</summary>
    private void BeginBody()
    {
        reader.SkipOperator(":");
        reader.ExpectEnd(TokenKind.BlockEnd);
    }

    private void EndBlock(string end)
    {
        reader.ExpectName(end);
        if (end == "endmacro" && reader.Current.Kind == TokenKind.Name)
        {
            reader.Next();
        }
        reader.ExpectEnd(TokenKind.BlockEnd);
    }

    private AssignTarget ParseTarget(bool withAttribute)
    {
        var first = reader.IsOperator("(") ? "" : reader.NewName();
        if (first.Length > 0 && withAttribute && reader.SkipOperator("."))
        {
            return reader.Current.Kind == TokenKind.Name
                ? new AssignTarget([first], IsTuple: false, reader.Next().Text)
                : throw reader.Error($"expected the name of an attribute, found {reader.Current.Describe()}");
        }
        var inParentheses = first.Length == 0 && reader.SkipOperator("(");
        var names = new List<string> { inParentheses ? reader.NewName() : first };
        var isTuple = false;
        while (reader.SkipOperator(","))
        {
            isTuple = true;
            if (reader.Current.Kind != TokenKind.Name || reader.IsName("in"))
            {
                break;
            }
            names.Add(reader.NewName());
        }
        if (inParentheses)
        {
            reader.ExpectOperator(")");
        }
        return new AssignTarget([.. names], isTuple, Attribute: null);
    }
}
