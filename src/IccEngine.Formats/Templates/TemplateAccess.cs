using System.Globalization;

namespace IccEngine.Formats;

/// <summary>Attributes, items and the walking over values.</summary>
internal static class TemplateAccess
{
    /// <summary>target.name: for a dict its methods first, then its keys.</summary>
    public static object? Attribute(object? target, string name, RenderContext context)
    {
        switch (target)
        {
            case Undefined missing:
                throw context.Error(missing);
            case TemplateDict dict:
                return TemplateMethods.Exists(target, name) ? new BoundMethod(dict, name)
                    : dict.TryGet(name, out var value) ? value : NoAttribute(target, name);
            case TemplateNamespace names:
                return names.Attributes.TryGetValue(name, out var attribute) ? attribute : NoAttribute(target, name);
            case LoopState loop:
                return loop.Get(name);
            case not null when TemplateMethods.Exists(target, name):
                return new BoundMethod(target, name);
            default:
                return NoAttribute(target, name);
        }
    }

    /// <summary>target[index]: for a dict its keys first, then its methods.</summary>
    public static object? Item(object? target, object? index, RenderContext context)
    {
        switch (target, index)
        {
            case (Undefined missing, _):
                throw context.Error(missing);
            case (TemplateDict dict, _) when dict.TryGet(index, out var value):
                return value;
            case (TemplateList list, long or bool):
                var position = PythonOperators.Integer(index);
                position += position < 0 ? list.Items.Count : 0;
                return position >= 0 && position < list.Items.Count ? list.Items[(int)position] : NoItem(target, index);
            case (string text, long or bool):
                return (object?)CharacterAt(text, PythonOperators.Integer(index), context) ?? NoItem(target, index);
            case (_, string name):
                return Attribute(target, name, context);
            default:
                return NoItem(target, index);
        }
    }

    public static object? Slice(object? target, long? start, long? stop, long? step, RenderContext context)
    {
        if (step == 0)
        {
            throw context.Error("the step of a slice cannot be zero");
        }
        switch (target)
        {
            case Undefined missing:
                throw context.Error(missing);
            case string text:
                return PythonIndexing.Slice(text, start, stop, step, context);
            case TemplateList list:
                var stride = step ?? 1;
                var (first, count) = PythonIndexing.SliceBounds(list.Items.Count, start, stop, stride);
                context.Reserve(8 * count, "a list");
                var items = new object?[count];
                for (var i = 0L; i < count; i++)
                {
                    items[i] = list.Items[(int)(first + (i * stride))];
                }
                return list with { Items = items };
            default:
                throw context.Error($"{PythonType.Describe(target)} cannot be sliced");
        }
    }

    /// <summary>The items that a loop over the value takes.</summary>
    public static IReadOnlyList<object?> Items(object? value, RenderContext context)
    {
        switch (value)
        {
            case TemplateList list:
                return list.Items;
            case string text:
                return PythonIndexing.Split(text, context);
            case TemplateDict dict:
                context.Reserve(8L * dict.Count, "a list");
                return [.. dict.Keys];
            case Undefined:
                return [];
            default:
                throw context.Error($"{PythonType.Describe(value)} cannot be looped over");
        }
    }

    public static long Length(object? value, RenderContext context) => value switch
    {
        string text => PythonIndexing.Count(text),
        TemplateList list => list.Items.Count,
        TemplateDict dict => dict.Count,
        Undefined => 0,
        _ => throw context.Error($"{PythonType.Describe(value)} has no length"),
    };

    /// <summary>The key and value of every entry, as tuples.</summary>
    public static TemplateList Pairs(TemplateDict dict, RenderContext context)
    {
        context.Reserve(24L * dict.Count, "a list");
        return new TemplateList([.. dict.Entries.Select(e => new TemplateList([e.Key, e.Value], IsTuple: true))]);
    }

    /// <summary>A path of attributes, "a.b.0", as the filters map, sort and selectattr take it.</summary>
    public static object? Path(object? value, object? path, RenderContext context)
    {
        if (path is long)
        {
            return Item(value, path, context);
        }
        foreach (var part in TemplateArguments.Text(path, "", context, "an attribute").Split('.'))
        {
            value = Item(value, long.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var index) ? index : part, context);
        }
        return value;
    }

    private static string? CharacterAt(string text, long position, RenderContext context)
    {
        var count = PythonIndexing.Count(text);
        context.Spend(1 + (text.Length / 64));
        position += position < 0 ? count : 0;
        return position < 0 || position >= count ? null : PythonIndexing.Slice(text, position, position + 1, 1, context);
    }

    private static Undefined NoAttribute(object? target, string name) => new($"{PythonType.Describe(target)} has no attribute '{Short(name)}'");

    private static Undefined NoItem(object? target, object? index) =>
        new($"{PythonType.Describe(target)} has no element {(index is string text ? $"'{Short(text)}'" : PythonText.Scalar(index) ?? PythonType.Describe(index))}");

    private static string Short(string name) => (name.Length > 60 ? name[..60] + "..." : name).ReplaceLineEndings(" ");
}
