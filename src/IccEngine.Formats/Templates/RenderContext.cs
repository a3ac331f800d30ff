using System.Runtime.CompilerServices;
using System.Text;
using IccEngine.Core;

namespace IccEngine.Formats;

/// <summary>One rendering: where it stands, what it has spent, and its errors.</summary>
internal sealed class RenderContext(string name, TemplateLimits limits, Func<DateTime> now)
{
    private long _steps;

    /// <summary>Line of the node at work, for errors.</summary>
    public int Line { get; set; } = 1;

    public TemplateLimits Limits => limits;

    public Func<DateTime> Now => now;

    /// <summary>Spends steps; for a string or a list, one for every 64 characters or items.</summary>
    public void Spend(long cost)
    {
        _steps += cost;
        if (_steps > limits.Steps)
        {
            throw Error($"the template takes more than {limits.Steps} steps");
        }
    }

    /// <summary>Checks the size of a value about to be made, and spends for it.</summary>
    public void Reserve(long size, string what)
    {
        if (size > limits.Value)
        {
            throw Error($"{what} of {size} is longer than the limit of {limits.Value}");
        }
        Spend(1 + (size / 64));
    }

    public string Made(string text)
    {
        Reserve(text.Length, "a text");
        return text;
    }

    public TemplateList MadeList(IReadOnlyList<object?> items)
    {
        Spend(1 + (items.Count / 8));
        return new TemplateList(items);
    }

    public void Write(StringBuilder output, string text)
    {
        if (output.Length + (long)text.Length > limits.Output)
        {
            throw Error($"the template writes more than {limits.Output} characters");
        }
        Spend(1 + (text.Length / 64));
        output.Append(text);
    }

    /// <summary>Refuses to go deeper than the limit, or than the thread's stack allows.</summary>
    public void CheckDepth(int depth)
    {
        if (depth > limits.Depth)
        {
            throw Error($"macros or lists are nested deeper than {limits.Depth} levels");
        }
        CheckStack();
    }

    public void CheckStack()
    {
        if (!RuntimeHelpers.TryEnsureSufficientExecutionStack())
        {
            throw Error("the template is nested too deeply");
        }
    }

    public IccFormatException Error(string message) => new(name, $"line {Line}: {message}");

    public IccFormatException Error(Undefined missing) => Error(missing.Message);

    public IccUnsupportedException Unsupported(string what) => new($"{name}: line {Line}: {what} is not supported in chat templates");

    public ChatTemplateException Raised(string message) => new(name, Line, message);
}
