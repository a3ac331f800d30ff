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

    private readonly RenderContext context;
    private readonly TemplateEvaluator evaluator;
    private StringBuilder output = new();
    private int macroDepth;

    private TemplateRenderer(RenderContext context)
    {
        this.context = context;
        evaluator = new TemplateEvaluator(context, CallMacro);
    }

    public static string Render(Statement[] body, TemplateScope variables, RenderContext context)
    {
        var renderer = new TemplateRenderer(context);
        renderer.Run(body, new TemplateScope(variables));
        return renderer.output.ToString();
    }

    private Flow Run(Statement[] body, TemplateScope scope)
    {
        foreach (var statement in body)
        {
            context.Line = statement.Line;
            context.Spend(1);
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
        context.CheckStack();
        switch (statement)
        {
            case TextStatement text:
                context.Write(output, text.Text);
                return Flow.Next;
            case OutputStatement print:
                context.Write(output, PythonText.Str(evaluator.Evaluate(print.Value, scope), context));
                return Flow.Next;
            case IfStatement condition:
                return RunIf(condition, scope);
            case ForStatement loop:
                RunFor(loop, scope);
                return Flow.Next;
            case SetStatement set:
                Assign(set.Target, evaluator.Evaluate(set.Value, scope), scope, set.Line);
                return Flow.Next;
            case CaptureStatement capture:
                var text2 = Capture(capture.Body, new TemplateScope(scope));
                var value = evaluator.Evaluate(capture.Value, scope, text2);
                if (capture.Target is { } target)
                {
                    Assign(target, value, scope, capture.Line);
                }
                else
                {
                    context.Write(output, PythonText.Str(value, context));
                }
                return Flow.Next;
            case MacroStatement macro:
                scope.Set(macro.Name, new TemplateMacro(macro, scope));
                return Flow.Next;
            case ScopeStatement block:
                var inner = new TemplateScope(scope);
                foreach (var (name, expression) in block.Assignments)
                {
                    Assign(name, evaluator.Evaluate(expression, scope), inner, block.Line);
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
            if (PythonOperators.IsTrue(evaluator.Evaluate(condition, scope)))
            {
                return Run(body, scope);
            }
        }
        return Run(node.Otherwise, scope);
    }

    private void RunFor(ForStatement node, TemplateScope scope)
    {
        var value = evaluator.Evaluate(node.Items, scope);
        context.Line = node.Line;
        var items = TemplateAccess.Items(value, context);
        if (node.Condition is { } condition)
        {
            var kept = new List<object?>();
            foreach (var item in items)
            {
                var trial = new TemplateScope(scope);
                Assign(node.Target, item, trial, node.Line);
                if (PythonOperators.IsTrue(evaluator.Evaluate(condition, trial)))
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
            context.Spend(1);
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
        context.Line = line;
        if (target.Attribute is { } attribute)
        {
            if (!scope.TryGet(target.Names[0], out var owner) || owner is not TemplateNamespace names)
            {
                throw context.Error($"'{target.Names[0]}.{attribute}' cannot be set: '{target.Names[0]}' is no namespace");
            }
            names.Attributes[attribute] = value;
        }
        else if (target.IsTuple)
        {
            var items = TemplateAccess.Items(value, context);
            if (items.Count != target.Names.Length)
            {
                throw context.Error($"{items.Count} values for {target.Names.Length} names ({string.Join(", ", target.Names)})");
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
        var outer = output;
        output = new StringBuilder();
        Run(body, scope);
        var text = output.ToString();
        output = outer;
        return text;
    }

    private string CallMacro(TemplateMacro macro, TemplateArguments arguments)
    {
        context.CheckDepth(++macroDepth);
        var definition = macro.Definition;
        var bound = arguments.Bind(context, $"the macro '{definition.Name}'", [.. definition.Parameters.Select(p => p.Name)]);
        var scope = new TemplateScope(macro.Scope);
        for (var i = 0; i < bound.Length; i++)
        {
            var (name, fallback) = definition.Parameters[i];
            scope.Set(name, TemplateArguments.Given(bound[i]) ? bound[i]
                : fallback is not null ? evaluator.Evaluate(fallback, scope)
                : new Undefined($"the parameter '{name}' was not given"));
        }
        var text = Capture(definition.Body, scope);
        macroDepth--;
        return text;
    }
}
