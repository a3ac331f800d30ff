using static IccEngine.Formats.TemplateArguments;

namespace IccEngine.Formats;

/// <summary>Methods of texts, lists and dicts. Those that would change a list or a dict are refused, as in Jinja's immutable sandbox.</summary>
internal static class TemplateMethods
{
    private static readonly HashSet<string> OfText =
    [
        "strip", "lstrip", "rstrip", "startswith", "endswith", "split", "rsplit", "splitlines", "upper", "lower", "title", "capitalize",
        "replace", "find", "rfind", "index", "rindex", "count", "join", "isdigit", "isalpha", "isalnum", "isspace", "isupper", "islower",
        "removeprefix", "removesuffix", "partition", "rpartition", "zfill", "ljust", "rjust",
        "format", "format_map", "encode", "translate", "casefold", "swapcase", "center", "expandtabs", "isidentifier", "isdecimal",
        "isnumeric", "isprintable", "istitle", "isascii",
    ];

    private static readonly HashSet<string> OfList = ["index", "count", "append", "extend", "insert", "pop", "remove", "clear", "sort", "reverse", "copy"];

    private static readonly HashSet<string> OfDict = ["get", "items", "keys", "values", "copy", "update", "pop", "popitem", "clear", "setdefault", "fromkeys"];

    public static bool Exists(object? target, string name) => target switch
    {
        string => OfText.Contains(name),
        TemplateList => OfList.Contains(name),
        TemplateDict => OfDict.Contains(name),
        _ => false,
    };

    public static object? Call(BoundMethod method, TemplateArguments arguments, RenderContext context)
    {
        switch (method.Target)
        {
            case string text:
                context.Reserve(text.Length, "a text");
                return TextMethods.Call(text, method.Name, arguments, context);
            case TemplateDict dict:
                return OnDict(dict, method.Name, arguments, context);
            case TemplateList list:
                return OnList(list, method.Name, arguments, context);
            default:
                return OnLoop((LoopState)method.Target, method.Name, arguments, context);
        }
    }

    private static object? OnDict(TemplateDict dict, string name, TemplateArguments arguments, RenderContext context)
    {
        switch (name)
        {
            case "get":
                var found = arguments.Bind(context, "dict.get", "key", "default");
                return dict.TryGet(found[0], out var value) ? value : Given(found[1]) ? found[1] : null;
            case "items":
                arguments.Bind(context, "dict.items");
                return TemplateAccess.Pairs(dict, context);
            case "keys":
                arguments.Bind(context, "dict.keys");
                return context.MadeList([.. dict.Keys]);
            case "values":
                arguments.Bind(context, "dict.values");
                return context.MadeList([.. dict.Values]);
            case "copy":
                return dict;
            default:
                throw context.Unsupported($"dict.{name} (it changes the dict)");
        }
    }

    private static object? OnList(TemplateList list, string name, TemplateArguments arguments, RenderContext context)
    {
        switch (name)
        {
            case "count":
                var counted = arguments.Bind(context, "list.count", "value")[0];
                return (long)list.Items.Count(i => PythonOperators.AreEqual(i, counted, context));
            case "index":
                var sought = arguments.Bind(context, "list.index", "value")[0];
                for (var i = 0; i < list.Items.Count; i++)
                {
                    if (PythonOperators.AreEqual(list.Items[i], sought, context))
                    {
                        return (long)i;
                    }
                }
                throw context.Error("list.index: the value is not in the list");
            case "copy":
                return list;
            default:
                throw context.Unsupported($"list.{name} (it changes the list)");
        }
    }

    private static object? OnLoop(LoopState loop, string name, TemplateArguments arguments, RenderContext context)
    {
        var values = arguments.Positional;
        if (name == "cycle")
        {
            return values.Count > 0 ? values[(int)((long)loop.Get("index0")! % values.Count)] : throw context.Error("loop.cycle needs a value");
        }
        var changed = loop.LastChanged is not { } last
            || !PythonOperators.AreEqual(new TemplateList(last), new TemplateList(values), context);
        loop.LastChanged = values;
        return changed;
    }
}
