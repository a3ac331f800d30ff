namespace IccEngine.Formats;

/// <summary>An expression of a template, with the line it stands on.</summary>
internal abstract record Expression(int Line);

internal sealed record Literal(int Line, object? Value) : Expression(Line);

internal sealed record NameReference(int Line, string Name) : Expression(Line);

internal sealed record ListLiteral(int Line, Expression[] Items, bool IsTuple) : Expression(Line);

internal sealed record DictLiteral(int Line, (Expression Key, Expression Value)[] Entries) : Expression(Line);

internal sealed record AttributeAccess(int Line, Expression Target, string Name) : Expression(Line);

internal sealed record Subscript(int Line, Expression Target, Expression Index) : Expression(Line);

/// <summary>start:stop:step; only as the index of a <see cref="Subscript"/>.</summary>
internal sealed record SliceExpression(int Line, Expression? Start, Expression? Stop, Expression? Step) : Expression(Line);

internal sealed record Call(int Line, Expression Target, CallExpressions Arguments) : Expression(Line);

/// <summary>target | name(arguments); the target of a filter on a block is the block's text.</summary>
internal sealed record Filter(int Line, Expression Target, string Name, CallExpressions Arguments) : Expression(Line);

internal sealed record Test(int Line, Expression Target, string Name, CallExpressions Arguments) : Expression(Line);

internal sealed record Unary(int Line, string Operator, Expression Operand) : Expression(Line);

internal sealed record Binary(int Line, string Operator, Expression Left, Expression Right) : Expression(Line);

internal sealed record Concatenation(int Line, Expression[] Parts) : Expression(Line);

internal sealed record Comparison(int Line, Expression First, (string Operator, Expression Operand)[] Rest) : Expression(Line);

internal sealed record Conditional(int Line, Expression Condition, Expression Then, Expression? Otherwise) : Expression(Line);

/// <summary>The text of the enclosing block, as the target of its filters.</summary>
internal sealed record BlockText(int Line) : Expression(Line);

internal sealed record CallExpressions(Expression[] Positional, (string Name, Expression Value)[] Named)
{
    public static CallExpressions None { get; } = new([], []);
}

/// <summary>A statement of a template.</summary>
internal abstract record Statement(int Line);

internal sealed record TextStatement(int Line, string Text) : Statement(Line);

internal sealed record OutputStatement(int Line, Expression Value) : Statement(Line);

internal sealed record IfStatement(int Line, (Expression Condition, Statement[] Body)[] Branches, Statement[] Otherwise) : Statement(Line);

internal sealed record ForStatement(
    int Line, AssignTarget Target, Expression Items, Expression? Condition, Statement[] Body, Statement[] Otherwise) : Statement(Line);

internal sealed record SetStatement(int Line, AssignTarget Target, Expression Value) : Statement(Line);

/// <summary>{% set x | filter %} ... {% endset %}, and, without a target, {% filter ... %}.</summary>
internal sealed record CaptureStatement(int Line, AssignTarget? Target, Expression Value, Statement[] Body) : Statement(Line);

internal sealed record MacroStatement(int Line, string Name, (string Name, Expression? Default)[] Parameters, Statement[] Body) : Statement(Line);

/// <summary>A block with names of its own: {% with %}, {% generation %}.</summary>
internal sealed record ScopeStatement(int Line, (AssignTarget Target, Expression Value)[] Assignments, Statement[] Body) : Statement(Line);

internal sealed record BreakStatement(int Line) : Statement(Line);

internal sealed record ContinueStatement(int Line) : Statement(Line);

/// <summary>Names that take a value; one name with <paramref name="Attribute"/> is an attribute of a namespace.</summary>
internal sealed record AssignTarget(string[] Names, bool IsTuple, string? Attribute);
