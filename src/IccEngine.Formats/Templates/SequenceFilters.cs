using static IccEngine.Formats.TemplateArguments;

namespace IccEngine.Formats;

/// <summary>Jinja's filters on sequences. What is lazy in Jinja is a list here.</summary>
internal static class SequenceFilters
{
    private static readonly HashSet<string> Names =
    [
        "first", "last", "join", "reverse", "sort", "dictsort", "unique", "min", "max", "sum",
        "map", "select", "reject", "selectattr", "rejectattr",
    ];

    public static bool IsKnown(string name) => Names.Contains(name);

    public static object? Apply(string name, object? value, TemplateArguments arguments, RenderContext context)
    {
        var what = $"the filter '{name}'";
        switch (name)
        {
            case "map":
                return Map(Items(value, context), arguments, context);
            case "select" or "reject" or "selectattr" or "rejectattr":
                return Select(Items(value, context), name, arguments, context);
            case "first" or "last":
                arguments.Bind(context, what);
                var items = Items(value, context);
                return items.Count == 0 ? new Undefined($"there is no {name} item") : name == "first" ? items[0] : items[^1];
            case "join":
                var join = arguments.Bind(context, what, "d", "attribute");
                return TextMethods.Join(Text(join[0], "", context, what), Attributes(Items(value, context), join[1], context), context, anyType: true);
            case "reverse":
                arguments.Bind(context, what);
                var reversed = Items(value, context).Reverse().ToList();
                return value is string ? TextMethods.Join("", reversed, context, anyType: true) : context.MadeList(reversed);
            case "dictsort":
                return DictSort(value, arguments.Bind(context, what, "case_sensitive", "by", "reverse"), context);
            case "sort":
                var sort = arguments.Bind(context, what, "reverse", "case_sensitive", "attribute");
                return context.MadeList(Sorted(Items(value, context), i => SortKey(i, sort[2], Flag(sort[1], false), context), Flag(sort[0], false), context));
            case "unique":
                var unique = arguments.Bind(context, what, "case_sensitive", "attribute");
                return context.MadeList(Unique(Items(value, context), i => SortKey(i, unique[1], Flag(unique[0], false), context), context));
            case "min" or "max":
                var extreme = arguments.Bind(context, what, "case_sensitive", "attribute");
                var sorted = Sorted(Items(value, context), i => SortKey(i, extreme[1], Flag(extreme[0], false), context), name == "max", context);
                return sorted.Count == 0 ? new Undefined("there is no item") : sorted[0];
            default:
                var sum = arguments.Bind(context, what, "attribute", "start");
                return Attributes(Items(value, context), sum[0], context)
                    .Aggregate(Given(sum[1]) ? sum[1] : 0L, (total, i) => PythonOperators.Arithmetic("+", total, i, context));
        }
    }

    private static IReadOnlyList<object?> Items(object? value, RenderContext context)
    {
        var items = TemplateAccess.Items(value, context);
        context.Spend(items.Count);
        return items;
    }

    private static IReadOnlyList<object?> Attributes(IReadOnlyList<object?> items, object? attribute, RenderContext context) =>
        attribute is null || !Given(attribute) ? items : [.. items.Select(i => TemplateAccess.Path(i, attribute, context))];

    /// <summary>map(attribute='a', default=...) or map('filter', arguments).</summary>
    private static TemplateList Map(IReadOnlyList<object?> items, TemplateArguments arguments, RenderContext context)
    {
        if (arguments.Positional.Count == 0)
        {
            var bound = arguments.Bind(context, "the filter 'map'", "attribute", "default");
            if (!Given(bound[0]))
            {
                throw context.Error("the filter 'map' needs an attribute or the name of a filter");
            }
            return context.MadeList([.. items.Select(i => TemplateAccess.Path(i, bound[0], context) is var a && a is Undefined && Given(bound[1]) ? bound[1] : a)]);
        }
        var name = Text(arguments.Positional[0], "", context, "the filter 'map'");
        if (!TemplateFilters.IsKnown(name))
        {
            throw context.Unsupported($"the filter '{name}'");
        }
        context.CheckStack();
        var rest = arguments with { Positional = [.. arguments.Positional.Skip(1)] };
        return context.MadeList([.. items.Select(i => TemplateFilters.Apply(name, i, rest, context))]);
    }

    /// <summary>select('test', arguments), selectattr('attribute', 'test', arguments), and their opposites; without a test, by truth.</summary>
    private static TemplateList Select(IReadOnlyList<object?> items, string name, TemplateArguments arguments, RenderContext context)
    {
        var byAttribute = name.EndsWith("attr", StringComparison.Ordinal);
        var testAt = byAttribute ? 1 : 0;
        if (byAttribute && arguments.Positional.Count == 0)
        {
            throw context.Error($"the filter '{name}' needs an attribute");
        }
        string? test = null;
        if (arguments.Positional.Count > testAt)
        {
            test = Text(arguments.Positional[testAt], "", context, $"the filter '{name}'");
            test = test switch { "==" => "eq", "!=" => "ne", "<" => "lt", "<=" => "le", ">" => "gt", ">=" => "ge", _ => test };
            if (!TemplateTests.IsKnown(test))
            {
                throw context.Unsupported($"the test '{test}'");
            }
        }
        var rest = arguments with { Positional = [.. arguments.Positional.Skip(testAt + 1)] };
        var keep = name.StartsWith("select", StringComparison.Ordinal);
        bool Holds(object? item)
        {
            var value = byAttribute ? TemplateAccess.Path(item, arguments.Positional[0], context) : item;
            return test is null ? PythonOperators.IsTrue(value) : TemplateTests.Apply(test, value, rest, context);
        }
        return context.MadeList([.. items.Where(i => Holds(i) == keep)]);
    }

    private static TemplateList DictSort(object? value, object?[] bound, RenderContext context)
    {
        if (value is not TemplateDict dict)
        {
            throw context.Error($"the filter 'dictsort' needs a dict, found {PythonType.Describe(value)}");
        }
        var by = Text(bound[1], "key", context, "the filter 'dictsort'");
        if (by is not ("key" or "value"))
        {
            throw context.Error($"the filter 'dictsort' sorts by 'key' or by 'value', found '{by}'");
        }
        var pairs = TemplateAccess.Pairs(dict, context).Items;
        return context.MadeList(Sorted(pairs, p => SortKey(p, by == "key" ? 0L : 1L, Flag(bound[0], false), context), Flag(bound[2], false), context));
    }

    private static object? SortKey(object? item, object? attribute, bool caseSensitive, RenderContext context)
    {
        if (attribute is string several && several.Contains(','))
        {
            return new TemplateList([.. several.Split(',').Select(a => SortKey(item, a, caseSensitive, context))]);
        }
        var key = attribute is null || !Given(attribute) ? item : TemplateAccess.Path(item, attribute, context);
        return key is string text && !caseSensitive ? text.ToLowerInvariant() : key;
    }

    /// <summary>A stable sort; equal items keep their order in both directions.</summary>
    private static List<object?> Sorted(IReadOnlyList<object?> items, Func<object?, object?> key, bool descending, RenderContext context)
    {
        var keyed = items.Select((item, index) => (Item: item, Key: key(item), Index: index)).ToArray();
        try
        {
            Array.Sort(keyed, (a, b) => (PythonOperators.Order(a.Key, b.Key, context) ?? 0) switch
            {
                0 => a.Index.CompareTo(b.Index),
                var order => descending ? -order : order,
            });
        }
        catch (InvalidOperationException e) when (e.InnerException is Core.IccException inner)
        {
            throw inner;
        }
        return [.. keyed.Select(k => k.Item)];
    }

    private static List<object?> Unique(IReadOnlyList<object?> items, Func<object?, object?> key, RenderContext context)
    {
        var seen = new TemplateDict();
        var kept = new List<object?>();
        foreach (var item in items)
        {
            var k = key(item);
            if (!TemplateDict.CanBeKey(k))
            {
                throw context.Error($"the filter 'unique' cannot compare {PythonType.Describe(k)}");
            }
            if (!seen.TryGet(k, out _))
            {
                seen.Set(k, true);
                kept.Add(item);
            }
        }
        return kept;
    }
}
