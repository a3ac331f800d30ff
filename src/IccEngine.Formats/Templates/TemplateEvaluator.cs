using System.Globalization;
using System.Text;

namespace IccEngine.Formats;

/// <summary>Values of expressions.</summary>
internal sealed class TemplateEvaluator(RenderContext context, Func<TemplateMacro, TemplateArguments, string> callMacro)
{
    private static readonly HashSet<string> Globals = ["range", "namespace", "dict", "raise_exception", "strftime_now"];
    private static readonly HashSet<string> RefusedGlobals = ["lipsum", "cycler", "joiner"];

    /// <summary>The value of an expression; <paramref name="blockText"/> is what <see cref="BlockText"/> stands for.</summary>
    public object? Evaluate(Expression node, TemplateScope scope, string? blockText = null)
    {
        context.Line = node.Line;
        context.Spend(1);
        context.CheckStack();
        switch (node)
        {
            case Literal literal:
                return literal.Value;
            case BlockText:
                return blockText;
            case NameReference name:
                return Lookup(name.Name, scope);
            case AttributeAccess access:
                var owner = Evaluate(access.Target, scope, blockText);
                context.Line = node.Line;
                return TemplateAccess.Attribute(owner, access.Name, context);
            case Subscript subscript:
                return EvaluateSubscript(subscript, scope);
            case Call call:
                return EvaluateCall(call, scope);
            case Filter filter:
                var filtered = Evaluate(filter.Target, scope, blockText);
                var filterArguments = Arguments(filter.Arguments, scope, node.Line);
                return TemplateFilters.Apply(filter.Name, filtered, filterArguments, context);
            case Test test:
                var tested = Evaluate(test.Target, scope, blockText);
                var testArguments = Arguments(test.Arguments, scope, node.Line);
                return TemplateTests.Apply(test.Name, tested, testArguments, context);
            case Conditional conditional:
                return PythonOperators.IsTrue(Evaluate(conditional.Condition, scope)) ? Evaluate(conditional.Then, scope)
                    : conditional.Otherwise is { } otherwise ? Evaluate(otherwise, scope)
                    : new Undefined("the condition of an 'if' without 'else' was false");
            case Unary unary:
                var operand = Evaluate(unary.Operand, scope);
                context.Line = node.Line;
                return unary.Operator == "not" ? !PythonOperators.IsTrue(operand) : PythonOperators.Negate(unary.Operator, operand, context);
            case Binary binary:
                return EvaluateBinary(binary, scope);
            case Comparison comparison:
                return EvaluateComparison(comparison, scope);
            case Concatenation concatenation:
                var output = new StringBuilder();
                foreach (var part in concatenation.Parts)
                {
                    context.Write(output, PythonText.Str(Evaluate(part, scope), context));
                }
                return output.ToString();
            case ListLiteral list:
                return new TemplateList([.. list.Items.Select(i => Evaluate(i, scope))], list.IsTuple);
            case DictLiteral dict:
                return EvaluateDict(dict, scope);
            default:
                throw new InvalidOperationException($"no rule for {node.GetType().Name}");
        }
    }

    private object? Lookup(string name, TemplateScope scope)
    {
        if (scope.TryGet(name, out var value))
        {
            return value;
        }
        if (RefusedGlobals.Contains(name))
        {
            throw context.Unsupported($"the function '{name}'");
        }
        return Globals.Contains(name) ? new GlobalFunction(name) : new Undefined($"'{name}' is undefined");
    }

    private object? EvaluateSubscript(Subscript node, TemplateScope scope)
    {
        var target = Evaluate(node.Target, scope);
        if (node.Index is SliceExpression slice)
        {
            var (start, stop, step) = (Bound(slice.Start, scope), Bound(slice.Stop, scope), Bound(slice.Step, scope));
            context.Line = node.Line;
            return TemplateAccess.Slice(target, start, stop, step, context);
        }
        var index = Evaluate(node.Index, scope);
        context.Line = node.Line;
        return TemplateAccess.Item(target, index, context);
    }

    private long? Bound(Expression? node, TemplateScope scope) => node is null || Evaluate(node, scope) is not { } value
        ? null
        : TemplateArguments.Integer(value, 0, context, "a slice");

    private object? EvaluateBinary(Binary node, TemplateScope scope)
    {
        var left = Evaluate(node.Left, scope);
        if (node.Operator is "and" or "or")
        {
            return PythonOperators.IsTrue(left) == (node.Operator == "and") ? Evaluate(node.Right, scope) : left;
        }
        var right = Evaluate(node.Right, scope);
        context.Line = node.Line;
        return PythonOperators.Arithmetic(node.Operator, left, right, context);
    }

    private bool EvaluateComparison(Comparison node, TemplateScope scope)
    {
        var left = Evaluate(node.First, scope);
        foreach (var (operation, operand) in node.Rest)
        {
            var right = Evaluate(operand, scope);
            context.Line = node.Line;
            if (!PythonOperators.Compare(operation, left, right, context))
            {
                return false;
            }
            left = right;
        }
        return true;
    }

    private TemplateDict EvaluateDict(DictLiteral node, TemplateScope scope)
    {
        var dict = new TemplateDict();
        foreach (var (keyNode, valueNode) in node.Entries)
        {
            var key = Evaluate(keyNode, scope);
            if (!TemplateDict.CanBeKey(key))
            {
                throw context.Error($"{PythonType.Describe(key)} cannot be the key of a dict");
            }
            dict.Set(key, Evaluate(valueNode, scope));
        }
        return dict;
    }

    private TemplateArguments Arguments(CallExpressions arguments, TemplateScope scope, int line)
    {
        var evaluated = new TemplateArguments(
            [.. arguments.Positional.Select(a => Evaluate(a, scope))],
            [.. arguments.Named.Select(a => KeyValuePair.Create(a.Name, Evaluate(a.Value, scope)))]);
        context.Line = line;
        return evaluated;
    }

    private object? EvaluateCall(Call node, TemplateScope scope)
    {
        var target = Evaluate(node.Target, scope);
        var arguments = Arguments(node.Arguments, scope, node.Line);
        return target switch
        {
            TemplateMacro macro => callMacro(macro, arguments),
            BoundMethod method => TemplateMethods.Call(method, arguments, context),
            GlobalFunction function => CallGlobal(function.Name, arguments),
            LoopState => throw context.Unsupported("a recursive loop"),
            Undefined missing => throw context.Error(missing),
            _ => throw context.Error($"{PythonType.Describe(target)} cannot be called"),
        };
    }

    private object? CallGlobal(string name, TemplateArguments arguments)
    {
        switch (name)
        {
            case "range":
                return Range(arguments);
            case "raise_exception":
                throw context.Raised(PythonText.Str(arguments.Bind(context, name, "message")[0] is var m && TemplateArguments.Given(m) ? m : "", context));
            case "strftime_now":
                var format = TemplateArguments.Text(arguments.Bind(context, name, "format")[0], "", context, name);
                return Strftime(context.Now(), format);
            default:
                var entries = DictOf(name, arguments);
                if (name == "dict")
                {
                    return entries;
                }
                var names = new TemplateNamespace();
                foreach (var (key, value) in entries.Entries)
                {
                    names.Attributes[PythonText.Str(key, context)] = value;
                }
                return names;
        }
    }

    /// <summary>The entries of dict(mapping, name=value) and namespace(mapping, name=value).</summary>
    private TemplateDict DictOf(string name, TemplateArguments arguments)
    {
        var dict = new TemplateDict();
        if (arguments.Positional.Count > 1 || (arguments.Positional.Count == 1 && arguments.Positional[0] is not TemplateDict))
        {
            throw context.Error($"{name}() takes one dict and named values");
        }
        if (arguments.Positional.Count == 1)
        {
            context.Reserve(8L * ((TemplateDict)arguments.Positional[0]!).Count, "a dict");
            foreach (var (key, value) in ((TemplateDict)arguments.Positional[0]!).Entries)
            {
                dict.Set(key, value);
            }
        }
        foreach (var (key, value) in arguments.Named)
        {
            dict.Set(key, value);
        }
        return dict;
    }

    private TemplateList Range(TemplateArguments arguments)
    {
        var bounds = arguments.Positional.Select(a => TemplateArguments.Integer(a, 0, context, "range()")).ToArray();
        if (bounds.Length is 0 or > 3 || arguments.Named.Count > 0)
        {
            throw context.Error($"range() takes one to three integers, found {bounds.Length + arguments.Named.Count}");
        }
        var (start, stop, step) = bounds.Length == 1 ? (0, bounds[0], 1) : (bounds[0], bounds[1], bounds.Length == 3 ? bounds[2] : 1);
        if (step == 0)
        {
            throw context.Error("range(): the step cannot be zero");
        }
        var distance = step > 0 ? (Int128)stop - start : (Int128)start - stop;
        var count = distance <= 0 ? 0 : (distance + Int128.Abs(step) - 1) / Int128.Abs(step);
        if (count > context.Limits.Range)
        {
            throw context.Error($"range() of {count} numbers is longer than the limit of {context.Limits.Range}");
        }
        var items = new object?[(int)count];
        for (var i = 0; i < items.Length; i++)
        {
            items[i] = start + (i * step);
        }
        return context.MadeList(items);
    }

    /// <summary>The codes of strftime for dates and times, in English.</summary>
    private string Strftime(DateTime time, string format)
    {
        var output = new StringBuilder();
        for (var i = 0; i < format.Length; i++)
        {
            if (format[i] != '%' || i + 1 == format.Length)
            {
                output.Append(format[i]);
                continue;
            }
            var code = format[++i];
            if (code == '-' && i + 1 < format.Length)
            {
                // glibc: no padding.
                var plain = Strftime(time, "%" + format[++i]).TrimStart('0');
                output.Append(plain.Length == 0 ? "0" : plain);
                continue;
            }
            var net = code switch
            {
                'd' => "dd",
                'm' => "MM",
                'Y' => "yyyy",
                'y' => "yy",
                'b' => "MMM",
                'B' => "MMMM",
                'a' => "ddd",
                'A' => "dddd",
                'H' => "HH",
                'I' => "hh",
                'M' => "mm",
                'S' => "ss",
                'p' => "tt",
                'F' => "yyyy-MM-dd",
                'T' => "HH:mm:ss",
                _ => "",
            };
            output.Append(code switch
            {
                '%' => "%",
                'j' => time.DayOfYear.ToString("000", CultureInfo.InvariantCulture),
                _ when net.Length > 0 => time.ToString(net, CultureInfo.InvariantCulture),
                _ => throw context.Unsupported($"strftime_now: the code '%{code}'"),
            });
        }
        return context.Made(output.ToString());
    }
}
