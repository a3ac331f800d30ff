using System.Globalization;

namespace IccEngine.Formats;

/// <summary>Expressions, with the precedence of Jinja: if-else, or, and, not, comparisons, + -, ~, * / // %, **, unary, postfix, filters.</summary>
internal sealed class ExpressionParser(TokenReader reader)
{
    /// <summary>An expression, or several with commas between them, which make a tuple.</summary>
    public Expression ParseTuple(bool withConditional = true)
    {
        var line = reader.Line;
        var first = withConditional ? Parse() : ParseOr();
        if (!reader.IsOperator(","))
        {
            return first;
        }
        var items = new List<Expression> { first };
        while (reader.SkipOperator(","))
        {
            if (reader.Current.Kind is TokenKind.BlockEnd or TokenKind.OutputEnd || reader.IsOperator(")"))
            {
                break;
            }
            items.Add(withConditional ? Parse() : ParseOr());
        }
        return new ListLiteral(line, [.. items], IsTuple: true);
    }

    /// <summary>a if b else c.</summary>
    public Expression Parse()
    {
        reader.Enter();
        var line = reader.Line;
        var value = ParseOr();
        for (var links = 0; reader.SkipName("if"); links++)
        {
            reader.CheckChain(links);
            var condition = ParseOr();
            value = new Conditional(line, condition, value, reader.SkipName("else") ? Parse() : null);
        }
        reader.Leave();
        return value;
    }

    public Expression ParseOr() => ParseLogical("or", () => ParseLogical("and", ParseNot));

    private Expression ParseLogical(string name, Func<Expression> operand)
    {
        var left = operand();
        for (var links = 0; reader.IsName(name); links++)
        {
            reader.CheckChain(links);
            var line = reader.Next().Line;
            left = new Binary(line, name, left, operand());
        }
        return left;
    }

    private Expression ParseNot()
    {
        if (!reader.IsName("not"))
        {
            return ParseComparison();
        }
        reader.Enter();
        var node = new Unary(reader.Next().Line, "not", ParseNot());
        reader.Leave();
        return node;
    }

    private Expression ParseComparison()
    {
        var line = reader.Line;
        var first = ParseSum();
        var rest = new List<(string, Expression)>();
        while (true)
        {
            if (reader.Current is { Kind: TokenKind.Operator, Text: "==" or "!=" or "<" or "<=" or ">" or ">=" })
            {
                rest.Add((reader.Next().Text, ParseSum()));
            }
            else if (reader.SkipName("in"))
            {
                rest.Add(("in", ParseSum()));
            }
            else if (reader.IsName("not") && reader.Peek.Is(TokenKind.Name, "in"))
            {
                reader.Next();
                reader.Next();
                rest.Add(("not in", ParseSum()));
            }
            else
            {
                return rest.Count == 0 ? first : new Comparison(line, first, [.. rest]);
            }
        }
    }

    private Expression ParseSum() => ParseBinary(ParseConcatenation, static t => t is "+" or "-");

    private Expression ParseConcatenation()
    {
        var line = reader.Line;
        var first = ParseProduct();
        if (!reader.IsOperator("~"))
        {
            return first;
        }
        var parts = new List<Expression> { first };
        while (reader.SkipOperator("~"))
        {
            parts.Add(ParseProduct());
        }
        return new Concatenation(line, [.. parts]);
    }

    private Expression ParseProduct() => ParseBinary(ParsePower, static t => t is "*" or "/" or "//" or "%");

    private Expression ParsePower() => ParseBinary(() => ParseUnary(withFilters: true), static t => t is "**");

    private Expression ParseBinary(Func<Expression> operand, Func<string, bool> isOperator)
    {
        var left = operand();
        for (var links = 0; reader.Current.Kind == TokenKind.Operator && isOperator(reader.Current.Text); links++)
        {
            reader.CheckChain(links);
            var token = reader.Next();
            left = new Binary(token.Line, token.Text, left, operand());
        }
        return left;
    }

    private Expression ParseUnary(bool withFilters)
    {
        reader.Enter();
        var node = reader.IsOperator("-") || reader.IsOperator("+")
            ? new Unary(reader.Line, reader.Next().Text, ParseUnary(withFilters: false))
            : ParsePrimary();
        node = ParsePostfix(node);
        if (withFilters)
        {
            node = ParseFiltersAndTests(node);
        }
        reader.Leave();
        return node;
    }

    private Expression ParsePrimary()
    {
        var token = reader.Next();
        switch (token.Kind)
        {
            case TokenKind.Name:
                return token.Text switch
                {
                    "true" or "True" => new Literal(token.Line, true),
                    "false" or "False" => new Literal(token.Line, false),
                    "none" or "None" => new Literal(token.Line, null),
                    _ => new NameReference(token.Line, token.Text),
                };
            case TokenKind.String:
                var text = token.Text;
                while (reader.Current.Kind == TokenKind.String)
                {
                    text += reader.Next().Text;
                }
                return new Literal(token.Line, text);
            case TokenKind.Integer:
                return long.TryParse(token.Text, CultureInfo.InvariantCulture, out var integer)
                    ? new Literal(token.Line, integer)
                    : throw reader.ErrorAt(token.Line, $"the integer {token.Text} is too large: at most {long.MaxValue}");
            case TokenKind.Float:
                return new Literal(token.Line, double.Parse(token.Text, CultureInfo.InvariantCulture));
            case TokenKind.Operator when token.Text == "(":
                return ParseParentheses(token.Line);
            case TokenKind.Operator when token.Text == "[":
                return ParseList(token.Line);
            case TokenKind.Operator when token.Text == "{":
                return ParseDict(token.Line);
            default:
                throw reader.ErrorAt(token.Line, $"expected an expression, found {token.Describe()}");
        }
    }

    private Expression ParseParentheses(int line)
    {
        if (reader.SkipOperator(")"))
        {
            return new ListLiteral(line, [], IsTuple: true);
        }
        var inner = ParseTuple();
        reader.ExpectOperator(")");
        return inner;
    }

    private ListLiteral ParseList(int line)
    {
        var items = new List<Expression>();
        while (!reader.SkipOperator("]"))
        {
            if (items.Count > 0)
            {
                reader.ExpectOperator(",");
                if (reader.SkipOperator("]"))
                {
                    break;
                }
            }
            items.Add(Parse());
        }
        return new ListLiteral(line, [.. items], IsTuple: false);
    }

    private DictLiteral ParseDict(int line)
    {
        var entries = new List<(Expression, Expression)>();
        while (!reader.SkipOperator("}"))
        {
            if (entries.Count > 0)
            {
                reader.ExpectOperator(",");
                if (reader.SkipOperator("}"))
                {
                    break;
                }
            }
            var key = Parse();
            reader.ExpectOperator(":");
            entries.Add((key, Parse()));
        }
        return new DictLiteral(line, [.. entries]);
    }

    private Expression ParsePostfix(Expression node)
    {
        for (var links = 0; reader.Current.Kind == TokenKind.Operator; links++)
        {
            reader.CheckChain(links);
            if (reader.IsOperator("."))
            {
                var line = reader.Next().Line;
                var member = reader.Next();
                node = member.Kind switch
                {
                    TokenKind.Name => new AttributeAccess(line, node, member.Text),
                    TokenKind.Integer when long.TryParse(member.Text, CultureInfo.InvariantCulture, out var index) =>
                        new Subscript(line, node, new Literal(line, index)),
                    _ => throw reader.ErrorAt(line, $"expected a name behind '.', found {member.Describe()}"),
                };
            }
            else if (reader.IsOperator("["))
            {
                node = new Subscript(reader.Next().Line, node, ParseIndex());
            }
            else if (reader.IsOperator("("))
            {
                var line = reader.Line;
                node = new Call(line, node, ParseArguments());
            }
            else
            {
                break;
            }
        }
        return node;
    }

    private Expression ParseIndex()
    {
        var line = reader.Line;
        Expression? start = reader.IsOperator(":") ? null : Parse();
        if (!reader.IsOperator(":"))
        {
            if (reader.IsOperator(","))
            {
                throw reader.Unsupported(line, "an index of several values");
            }
            reader.ExpectOperator("]");
            return start!;
        }
        reader.Next();
        Expression? stop = reader.IsOperator(":") || reader.IsOperator("]") ? null : Parse();
        Expression? step = reader.SkipOperator(":") && !reader.IsOperator("]") ? Parse() : null;
        reader.ExpectOperator("]");
        return new SliceExpression(line, start, stop, step);
    }

    private CallExpressions ParseArguments()
    {
        var positional = new List<Expression>();
        var named = new List<(string, Expression)>();
        reader.ExpectOperator("(");
        for (var count = 0; !reader.SkipOperator(")"); count++)
        {
            if (count > 0)
            {
                reader.ExpectOperator(",");
                if (reader.SkipOperator(")"))
                {
                    break;
                }
            }
            if (reader.IsOperator("*") || reader.IsOperator("**"))
            {
                throw reader.Unsupported(reader.Line, $"unpacking arguments with '{reader.Current.Text}'");
            }
            if (reader.Current.Kind == TokenKind.Name && reader.Peek.Is(TokenKind.Operator, "="))
            {
                var name = reader.Next().Text;
                reader.Next();
                named.Add((name, Parse()));
            }
            else if (named.Count > 0)
            {
                throw reader.Error("an argument without a name behind one with a name");
            }
            else
            {
                positional.Add(Parse());
            }
        }
        return new CallExpressions([.. positional], [.. named]);
    }

    private Expression ParseFiltersAndTests(Expression node)
    {
        for (var links = 0; ; links++)
        {
            reader.CheckChain(links);
            if (reader.IsOperator("|"))
            {
                node = ParseFilter(node);
            }
            else if (reader.IsName("is"))
            {
                node = ParseTest(node);
            }
            else if (reader.IsOperator("("))
            {
                var line = reader.Line;
                node = new Call(line, node, ParseArguments());
            }
            else
            {
                return node;
            }
        }
    }

    /// <summary>The filters behind {% set x %} or {% filter %}; the latter's first has no '|' before it.</summary>
    public Expression ParseBlockFilters(bool startsInline)
    {
        Expression node = new BlockText(reader.Line);
        if (startsInline)
        {
            node = ParseFilterName(node);
        }
        for (var links = 0; reader.IsOperator("|"); links++)
        {
            reader.CheckChain(links);
            node = ParseFilter(node);
        }
        return node;
    }

    private Filter ParseFilter(Expression target)
    {
        reader.ExpectOperator("|");
        return ParseFilterName(target);
    }

    private Filter ParseFilterName(Expression target)
    {
        var line = reader.Line;
        var name = ParseDottedName("filter");
        return TemplateFilters.IsKnown(name)
            ? new Filter(line, target, name, reader.IsOperator("(") ? ParseArguments() : CallExpressions.None)
            : throw reader.Unsupported(line, $"the filter '{name}'");
    }

    private Expression ParseTest(Expression target)
    {
        var line = reader.Next().Line;
        var negated = reader.SkipName("not");
        var name = ParseDottedName("test");
        if (!TemplateTests.IsKnown(name))
        {
            throw reader.Unsupported(line, $"the test '{name}'");
        }
        var arguments = CallExpressions.None;
        if (reader.IsOperator("("))
        {
            arguments = ParseArguments();
        }
        else if (reader.Current.Kind is TokenKind.Name or TokenKind.String or TokenKind.Integer or TokenKind.Float
            ? reader.Current is not { Kind: TokenKind.Name, Text: "else" or "or" or "and" or "is" or "if" or "in" or "not" }
            : reader.IsOperator("[") || reader.IsOperator("{"))
        {
            arguments = new CallExpressions([ParsePostfix(ParsePrimary())], []);
        }
        Expression node = new Test(line, target, name, arguments);
        return negated ? new Unary(line, "not", node) : node;
    }

    private string ParseDottedName(string what)
    {
        if (reader.Current.Kind != TokenKind.Name)
        {
            throw reader.Error($"expected the name of a {what}, found {reader.Current.Describe()}");
        }
        var name = reader.Next().Text;
        while (reader.IsOperator(".") && reader.Peek.Kind == TokenKind.Name)
        {
            reader.Next();
            name += "." + reader.Next().Text;
        }
        return name;
    }
}
