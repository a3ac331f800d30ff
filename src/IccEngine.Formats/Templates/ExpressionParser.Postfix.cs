using System.Globalization;

namespace IccEngine.Formats;

/// <summary>What follows an operand: attributes, indices, calls, filters and tests.</summary>
internal sealed partial class ExpressionParser
{
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
