using System.Globalization;

namespace IccEngine.Formats;

/// <summary>Expressions, with the precedence of Jinja: if-else, or, and, not, comparisons, + -, ~, * / // %, **, unary, postfix, filters.</summary>
internal sealed partial class ExpressionParser(TokenReader reader)
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
}
