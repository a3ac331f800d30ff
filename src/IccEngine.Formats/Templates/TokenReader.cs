using System.Runtime.CompilerServices;
using IccEngine.Core;

namespace IccEngine.Formats;

/// <summary>Walks over the tokens of a template and makes its errors.</summary>
internal sealed class TokenReader(List<TemplateToken> tokens, string name, TemplateLimits limits)
{
    private int _at;
    private int _depth;

    public TemplateToken Current => tokens[_at];

    public int Line => Current.Line;

    public TemplateToken Peek => tokens[Math.Min(_at + 1, tokens.Count - 1)];

    public TemplateToken Next()
    {
        var token = tokens[_at];
        if (token.Kind != TokenKind.End)
        {
            _at++;
        }
        return token;
    }

    public bool IsOperator(string text) => Current.Is(TokenKind.Operator, text);

    public bool IsName(string text) => Current.Is(TokenKind.Name, text);

    public bool SkipOperator(string text) => Skip(TokenKind.Operator, text);

    public bool SkipName(string text) => Skip(TokenKind.Name, text);

    public void ExpectOperator(string text) => Expect(TokenKind.Operator, text);

    public void ExpectName(string text) => Expect(TokenKind.Name, text);

    public void ExpectEnd(TokenKind kind)
    {
        if (Current.Kind != kind)
        {
            throw Error($"expected {(kind == TokenKind.BlockEnd ? "'%}'" : "'}}'")}, found {Current.Describe()}");
        }
        Next();
    }

    /// <summary>An identifier that may be assigned to.</summary>
    public string NewName()
    {
        if (Current.Kind != TokenKind.Name)
        {
            throw Error($"expected a name, found {Current.Describe()}");
        }
        if (Current.Text is "true" or "false" or "none" or "True" or "False" or "None" or "and" or "or" or "not" or "if" or "else" or "in" or "is")
        {
            throw Error($"'{Current.Text}' cannot be assigned to");
        }
        return Next().Text;
    }

    /// <summary>One level deeper into blocks or expressions; <see cref="Leave"/> goes back.</summary>
    public void Enter()
    {
        if (++_depth > limits.Nesting || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
        {
            throw Error($"blocks or expressions are nested deeper than {Math.Min(_depth - 1, limits.Nesting)} levels");
        }
    }

    public void Leave() => _depth--;

    /// <summary>Checks the length of a chain of operators, which the tree nests.</summary>
    public void CheckChain(int links)
    {
        if (links > limits.Nesting)
        {
            throw Error($"a chain of more than {limits.Nesting} operators");
        }
    }

    public IccFormatException Error(string message) => ErrorAt(Line, message);

    public IccFormatException ErrorAt(int line, string message) => new(name, $"line {line}: {message}");

    public IccUnsupportedException Unsupported(int line, string what) => new($"{name}: line {line}: {what} is not supported in chat templates");

    private bool Skip(TokenKind kind, string text)
    {
        if (!Current.Is(kind, text))
        {
            return false;
        }
        Next();
        return true;
    }

    private void Expect(TokenKind kind, string text)
    {
        if (!Skip(kind, text))
        {
            throw Error($"expected '{text}', found {Current.Describe()}");
        }
    }
}
