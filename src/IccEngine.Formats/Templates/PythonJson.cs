using System.Globalization;
using System.Text;

namespace IccEngine.Formats;

/// <summary>json.dumps as the filter tojson of chat templates calls it: no HTML escapes, characters outside ASCII as they are.</summary>
internal sealed class PythonJson(RenderContext context, string? indent, string itemSeparator, string keySeparator, bool ensureAscii, bool sortKeys)
{
    private readonly StringBuilder _output = new();

    public string Dump(object? value)
    {
        Write(value, 0);
        return _output.ToString();
    }

    private void Write(object? value, int depth)
    {
        context.CheckDepth(depth);
        switch (value)
        {
            case null:
                Put("null");
                break;
            case bool flag:
                Put(flag ? "true" : "false");
                break;
            case string text:
                Put(Quote(text));
                break;
            case double number:
                Put(Float(number));
                break;
            case TemplateList list:
                WriteItems('[', list.Items, ']', depth, item => Write(item, depth + 1));
                break;
            case TemplateDict dict:
                var entries = dict.Entries.Select(e => (Key: Key(e.Key), e.Value)).ToList();
                if (sortKeys)
                {
                    entries.Sort((a, b) => PythonOperators.CompareText(a.Key, b.Key));
                }
                WriteItems('{', entries, '}', depth, entry =>
                {
                    Put(Quote(entry.Key));
                    Put(keySeparator);
                    Write(entry.Value, depth + 1);
                });
                break;
            default:
                Put(PythonText.Scalar(value) ?? throw context.Error($"tojson: {PythonType.Describe(value)} has no JSON form"));
                break;
        }
    }

    private void WriteItems<T>(char open, IReadOnlyList<T> items, char close, int depth, Action<T> write)
    {
        Put(open.ToString());
        for (var i = 0; i < items.Count; i++)
        {
            Put(i == 0 ? "" : itemSeparator);
            NewLine(depth + 1);
            write(items[i]);
        }
        if (items.Count > 0)
        {
            NewLine(depth);
        }
        Put(close.ToString());
    }

    private void NewLine(int depth)
    {
        if (indent is null)
        {
            return;
        }
        Put("\n");
        for (var i = 0; i < depth; i++)
        {
            Put(indent);
        }
    }

    private void Put(string text) => context.Write(_output, text);

    private string Key(object? key) => key switch
    {
        string text => text,
        null => "null",
        bool flag => flag ? "true" : "false",
        double number => Float(number),
        _ => PythonText.Scalar(key) ?? throw context.Error($"tojson: {PythonType.Describe(key)} is no key"),
    };

    private static string Float(double number) =>
        double.IsNaN(number) ? "NaN" : double.IsInfinity(number) ? (number > 0 ? "Infinity" : "-Infinity") : PythonText.Float(number);

    private string Quote(string text)
    {
        var quoted = new StringBuilder(text.Length + 2).Append('"');
        foreach (var c in text)
        {
            switch (c)
            {
                case '"' or '\\':
                    quoted.Append('\\').Append(c);
                    break;
                case '\n':
                    quoted.Append("\\n");
                    break;
                case '\r':
                    quoted.Append("\\r");
                    break;
                case '\t':
                    quoted.Append("\\t");
                    break;
                case '\f':
                    quoted.Append("\\f");
                    break;
                case '\b':
                    quoted.Append("\\b");
                    break;
                case < ' ':
                case > '~' when ensureAscii:
                    quoted.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
                    break;
                default:
                    quoted.Append(c);
                    break;
            }
        }
        return quoted.Append('"').ToString();
    }
}
