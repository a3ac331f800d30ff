using System.Text;

namespace IccEngine.Formats;

/// <summary>Carries out the statements of a template.</summary>
internal sealed class TemplateRenderer
{
    private enum Flow
    {
        Next,
        Break,
        Continue,
    }

    private readonly RenderContext _context;
    private readonly TemplateEvaluator _evaluator;
    private StringBuilder _output = new();
    private int _macroDepth;

    private TemplateRenderer(RenderContext context)
    {
        _context = context;
        _evaluator = new TemplateEvaluator(context, CallMacro);
    }

    public static string Render(Statement[] body, TemplateScope variables, RenderContext context)
    {
        var renderer = new TemplateRenderer(context);
        renderer.Run(body, new TemplateScope(variables));
        return renderer._output.ToString();
    }

    private Flow Run(Statement[] body, TemplateScope scope)
    {
        foreach (var statement in body)
        {
            _context.Line = statement.Line;
            _context.Spend(1);
            var flow = Run(statement, scope);
            if (flow != Flow.Next)
            {
                return flow;
            }
        }
        return Flow.Next;
    }

    private Flow Run(Statement statement, TemplateScope scope)
    {
        _context.CheckStack();
        switch (statement)
        {
            case TextStatement text:
                _context.Write(_output, text.Text);
                return Flow.Next;
            case OutputStatement print:
                _context.Write(_output, PythonText.Str(_evaluator.Evaluate(print.Value, scope), _context));
                return Flow.Next;
            case IfStatement condition:
                return RunIf(condition, scope);
            case ForStatement loop:
                RunFor(loop, scope);
                return Flow.Next;
            case SetStatement set:
                Assign(set.Target, _evaluator.Evaluate(set.Value, scope), scope, set.Line);
                return Flow.Next;
            case CaptureStatement capture:
                var text2 = Capture(capture.Body, new TemplateScope(scope));
                var value = _evaluator.Evaluate(capture.Value, scope, text2);
                if (capture.Target is { } target)
                {
                    Assign(target, value, scope, capture.Line);
                }
                else
                {
                    _context.Write(_output, PythonText.Str(value, _context));
                }
                return Flow.Next;
            case MacroStatement macro:
                scope.Set(macro.Name, new TemplateMacro(macro, scope));
                return Flow.Next;
            case ScopeStatement block:
                var inner = new TemplateScope(scope);
                foreach (var (name, expression) in block.Assignments)
                {
                    Assign(name, _evaluator.Evaluate(expression, scope), inner, block.Line);
                }
                return Run(block.Body, inner);
            case BreakStatement:
                return Flow.Break;
            default:
                return Flow.Continue;
        }
    }

    private Flow RunIf(IfStatement node, TemplateScope scope)
    {
        foreach (var (condition, body) in node.Branches)
        {
            if (PythonOperators.IsTrue(_evaluator.Evaluate(condition, scope)))
            {
                return Run(body, scope);
            }
        }
        return Run(node.Otherwise, scope);
    }

    private void RunFor(ForStatement node, TemplateScope scope)
    {
        var value = _evaluator.Evaluate(node.Items, scope);
        _context.Line = node.Line;
        var items = TemplateAccess.Items(value, _context);
        if (node.Condition is { } condition)
        {
            var kept = new List<object?>();
            foreach (var item in items)
            {
                var trial = new TemplateScope(scope);
                Assign(node.Target, item, trial, node.Line);
                if (PythonOperators.IsTrue(_evaluator.Evaluate(condition, trial)))
                {
                    kept.Add(item);
                }
            }
            items = kept;
        }
        if (items.Count == 0)
        {
            Run(node.Otherwise, new TemplateScope(scope));
            return;
        }
        var state = new LoopState(items);
        for (var i = 0; i < items.Count; i++)
        {
            _context.Spend(1);
            state.Index = i;
            // What a pass sets is forgotten by the next one.
            var pass = new TemplateScope(scope);
            Assign(node.Target, items[i], pass, node.Line);
            pass.Set("loop", state);
            if (Run(node.Body, pass) == Flow.Break)
            {
                break;
            }
        }
    }

    private void Assign(AssignTarget target, object? value, TemplateScope scope, int line)
    {
        _context.Line = line;
        if (target.Attribute is { } attribute)
        {
            if (!scope.TryGet(target.Names[0], out var owner) || owner is not TemplateNamespace names)
            {
                throw _context.Error($"'{target.Names[0]}.{attribute}' cannot be set: '{target.Names[0]}' is no namespace");
            }
            names.Attributes[attribute] = value;
        }
        else if (target.IsTuple)
        {
            var items = TemplateAccess.Items(value, _context);
            if (items.Count != target.Names.Length)
            {
                throw _context.Error($"{items.Count} values for {target.Names.Length} names ({string.Join(", ", target.Names)})");
            }
            for (var i = 0; i < items.Count; i++)
            {
                scope.Set(target.Names[i], items[i]);
            }
        }
        else
        {
            scope.Set(target.Names[0], value);
        }
    }

    private string Capture(Statement[] body, TemplateScope scope)
    {
        var outer = _output;
        _output = new StringBuilder();
        Run(body, scope);
        var text = _output.ToString();
        _output = outer;
        return text;
    }

    private string CallMacro(TemplateMacro macro, TemplateArguments arguments)
    {
        _context.CheckDepth(++_macroDepth);
        var definition = macro.Definition;
        var bound = arguments.Bind(_context, $"the macro '{definition.Name}'", [.. definition.Parameters.Select(p => p.Name)]);
        var scope = new TemplateScope(macro.Scope);
        for (var i = 0; i < bound.Length; i++)
        {
            var (name, fallback) = definition.Parameters[i];
            scope.Set(name, TemplateArguments.Given(bound[i]) ? bound[i]
                : fallback is not null ? _evaluator.Evaluate(fallback, scope)
                : new Undefined($"the parameter '{name}' was not given"));
        }
        var text = Capture(definition.Body, scope);
        _macroDepth--;
        return text;
    }
}
