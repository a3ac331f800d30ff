using System.Text;
using static IccEngine.Formats.TemplateArguments;

namespace IccEngine.Formats;

/// <summary>Methods of Python's str.</summary>
internal static class TextMethods
{
    public static object? Call(string text, string name, TemplateArguments arguments, RenderContext context)
    {
        var what = $"str.{name}";
        switch (name)
        {
            case "strip" or "lstrip" or "rstrip":
                return Strip(text, arguments.Bind(context, what, "chars")[0], name != "rstrip", name != "lstrip", context);
            case "startswith" or "endswith":
                return StartsOrEnds(text, name, arguments, context);
            case "split" or "rsplit":
                var split = arguments.Bind(context, what, "sep", "maxsplit");
                return context.MadeList(SplitText(text, split[0], Integer(split[1], -1, context, what), name == "rsplit", context));
            case "splitlines":
                arguments.Bind(context, what);
                return context.MadeList([.. SplitLines(text, context)]);
            case "upper":
                return text.ToUpperInvariant();
            case "lower":
                return text.ToLowerInvariant();
            case "title":
                return Title(text);
            case "capitalize":
                return Capitalize(text);
            case "replace":
                var replace = arguments.Bind(context, what, "old", "new", "count");
                return Replace(text, Text(replace[0], "", context, what), Text(replace[1], "", context, what), Integer(replace[2], -1, context, what), context);
            case "find" or "rfind" or "index" or "rindex":
                return Find(text, name, arguments, context);
            case "count":
                return CountOf(text, Text(arguments.Bind(context, what, "sub")[0], "", context, what));
            case "join":
                return Join(text, TemplateAccess.Items(arguments.Bind(context, what, "iterable")[0], context), context, anyType: false);
            case "isdigit":
                return text.Length > 0 && text.All(char.IsDigit);
            case "isalpha":
                return text.Length > 0 && text.All(char.IsLetter);
            case "isalnum":
                return text.Length > 0 && text.All(char.IsLetterOrDigit);
            case "isspace":
                return text.Length > 0 && text.All(PythonSpace.IsSpace);
            case "isupper":
                return text.Any(char.IsUpper) && !text.Any(char.IsLower);
            case "islower":
                return text.Any(char.IsLower) && !text.Any(char.IsUpper);
            case "removeprefix":
                var prefix = Text(arguments.Bind(context, what, "prefix")[0], "", context, what);
                return text.StartsWith(prefix, StringComparison.Ordinal) ? text[prefix.Length..] : text;
            case "removesuffix":
                var suffix = Text(arguments.Bind(context, what, "suffix")[0], "", context, what);
                return text.EndsWith(suffix, StringComparison.Ordinal) ? text[..^suffix.Length] : text;
            case "partition" or "rpartition":
                return Partition(text, name == "rpartition", Text(arguments.Bind(context, what, "sep")[0], "", context, what), context);
            case "ljust" or "rjust" or "zfill":
                return Justify(text, name, arguments, context);
            default:
                throw context.Unsupported(what);
        }
    }

    public static string Strip(string text, object? characters, bool left, bool right, RenderContext context)
    {
        var set = characters is null || !Given(characters) ? null : Text(characters, "", context, "strip");
        bool Goes(char c) => set is null ? PythonSpace.IsSpace(c) : set.Contains(c);
        context.Spend(set is null ? 0 : (long)text.Length * set.Length / 1024);
        var (start, end) = (0, text.Length);
        while (left && start < end && Goes(text[start]))
        {
            start++;
        }
        while (right && end > start && Goes(text[end - 1]))
        {
            end--;
        }
        return text[start..end];
    }

    public static string Capitalize(string text) =>
        text.Length == 0 ? "" : char.ToUpperInvariant(text[0]) + text[1..].ToLowerInvariant();

    public static string Replace(string text, string old, string replacement, long count, RenderContext context)
    {
        var most = old.Length == 0 ? PythonIndexing.Count(text) + 1 : CountOf(text, old);
        var times = count < 0 ? most : Math.Min(count, most);
        context.Reserve(text.Length + (times * Math.Max(0, replacement.Length - old.Length)), "a text");
        if (old.Length > 0 && times == most)
        {
            return text.Replace(old, replacement, StringComparison.Ordinal);
        }
        var output = new StringBuilder();
        var at = 0;
        for (var done = 0L; done < times; done++)
        {
            if (old.Length == 0)
            {
                output.Append(replacement);
                if (at < text.Length)
                {
                    var step = char.IsHighSurrogate(text[at]) && at + 1 < text.Length && char.IsLowSurrogate(text[at + 1]) ? 2 : 1;
                    output.Append(text, at, step);
                    at += step;
                }
                continue;
            }
            var next = text.IndexOf(old, at, StringComparison.Ordinal);
            output.Append(text, at, next - at).Append(replacement);
            at = next + old.Length;
        }
        return output.Append(text, at, text.Length - at).ToString();
    }

    public static string Join(string separator, IReadOnlyList<object?> items, RenderContext context, bool anyType)
    {
        var output = new StringBuilder();
        for (var i = 0; i < items.Count; i++)
        {
            context.Write(output, i == 0 ? "" : separator);
            context.Write(output, anyType || items[i] is string
                ? PythonText.Str(items[i], context)
                : throw context.Error($"str.join needs texts, found {PythonType.Describe(items[i])}"));
        }
        return output.ToString();
    }

    /// <summary>Lines without their ends, at every line break that Python knows.</summary>
    public static List<string> SplitLines(string text, RenderContext context)
    {
        var lines = new List<string>();
        var start = 0;
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] is '\n' or '\r' or '\v' or '\f' or '\u001c' or '\u001d' or '\u001e' or '\u0085' or '\u2028' or '\u2029')
            {
                context.Spend(1);
                lines.Add(text[start..i]);
                i += text[i] == '\r' && i + 1 < text.Length && text[i + 1] == '\n' ? 1 : 0;
                start = i + 1;
            }
        }
        if (start < text.Length)
        {
            lines.Add(text[start..]);
        }
        return lines;
    }

    private static bool StartsOrEnds(string text, string name, TemplateArguments arguments, RenderContext context)
    {
        var sought = arguments.Bind(context, $"str.{name}", "prefix")[0];
        var options = sought is TemplateList { IsTuple: true } tuple ? tuple.Items : [sought];
        return options.Select(o => Text(o, "", context, $"str.{name}")).Any(o => name == "startswith"
            ? text.StartsWith(o, StringComparison.Ordinal)
            : text.EndsWith(o, StringComparison.Ordinal));
    }

    private static List<object?> SplitText(string text, object? separator, long most, bool fromRight, RenderContext context)
    {
        if (fromRight)
        {
            // From the right: the same on the mirrored text.
            var mirrored = SplitText(Reverse(text), separator is string s ? Reverse(s) : separator, most, false, context);
            mirrored.Reverse();
            return mirrored.ConvertAll(p => (object?)Reverse((string)p!));
        }
        var parts = new List<object?>();
        if (separator is null || !Given(separator))
        {
            SplitAtSpace(text, most, parts, context);
            return parts;
        }
        var by = Text(separator, "", context, "str.split");
        if (by.Length == 0)
        {
            throw context.Error("str.split: the separator is empty");
        }
        var start = 0;
        while (most < 0 || parts.Count < most)
        {
            var next = text.IndexOf(by, start, StringComparison.Ordinal);
            if (next < 0)
            {
                break;
            }
            context.Spend(1);
            parts.Add(text[start..next]);
            start = next + by.Length;
        }
        parts.Add(text[start..]);
        return parts;
    }

    private static void SplitAtSpace(string text, long most, List<object?> parts, RenderContext context)
    {
        var at = 0;
        while (true)
        {
            while (at < text.Length && PythonSpace.IsSpace(text[at]))
            {
                at++;
            }
            if (at == text.Length)
            {
                return;
            }
            context.Spend(1);
            var start = at;
            if (most >= 0 && parts.Count >= most)
            {
                parts.Add(text[start..]);
                return;
            }
            while (at < text.Length && !PythonSpace.IsSpace(text[at]))
            {
                at++;
            }
            parts.Add(text[start..at]);
        }
    }

    private static string Reverse(string text) => string.Create(text.Length, text, static (span, source) =>
    {
        source.CopyTo(span);
        span.Reverse();
    });

    /// <summary>str.title: a letter behind anything that is no letter is upper case, all others lower case.</summary>
    private static string Title(string text)
    {
        var output = new StringBuilder(text.Length);
        var insideWord = false;
        foreach (var c in text)
        {
            output.Append(insideWord ? char.ToLowerInvariant(c) : char.ToUpperInvariant(c));
            insideWord = char.IsLetter(c);
        }
        return output.ToString();
    }

    private static long Find(string text, string name, TemplateArguments arguments, RenderContext context)
    {
        var sought = Text(arguments.Bind(context, $"str.{name}", "sub")[0], "", context, $"str.{name}");
        var index = name[0] == 'r'
            ? text.LastIndexOf(sought, StringComparison.Ordinal)
            : text.IndexOf(sought, StringComparison.Ordinal);
        if (index < 0 && name.EndsWith("index", StringComparison.Ordinal))
        {
            throw context.Error($"str.{name}: the text was not found");
        }
        return index < 0 ? -1 : PythonIndexing.Count(text[..index]);
    }

    private static long CountOf(string text, string part) =>
        part.Length == 0 ? PythonIndexing.Count(text) + 1 : text.AsSpan().Count(part);

    private static TemplateList Partition(string text, bool fromRight, string separator, RenderContext context)
    {
        if (separator.Length == 0)
        {
            throw context.Error("str.partition: the separator is empty");
        }
        var index = fromRight
            ? text.LastIndexOf(separator, StringComparison.Ordinal)
            : text.IndexOf(separator, StringComparison.Ordinal);
        return index >= 0 ? new TemplateList([text[..index], separator, text[(index + separator.Length)..]], IsTuple: true)
            : fromRight ? new TemplateList(["", "", text], IsTuple: true)
            : new TemplateList([text, "", ""], IsTuple: true);
    }

    private static string Justify(string text, string name, TemplateArguments arguments, RenderContext context)
    {
        var what = $"str.{name}";
        var bound = name == "zfill" ? [.. arguments.Bind(context, what, "width"), "0"] : arguments.Bind(context, what, "width", "fillchar");
        var missing = Integer(bound[0], 0, context, what) - PythonIndexing.Count(text);
        if (missing <= 0)
        {
            return text;
        }
        context.Reserve(missing, "a text");
        var fill = Text(bound[1], " ", context, what);
        if (fill.Length != 1)
        {
            throw context.Error($"{what} fills with one character, found {fill.Length}");
        }
        var padding = new string(fill[0], (int)missing);
        var sign = name == "zfill" && text.Length > 0 && text[0] is '+' or '-' ? 1 : 0;
        return name == "ljust" ? text + padding : text[..sign] + padding + text[sign..];
    }
}
