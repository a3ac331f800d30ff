using System.Text;

namespace IccEngine.Formats;

/// <summary>Texts counted in code points, as Python counts them; a lone surrogate counts as one.</summary>
internal static class PythonIndexing
{
    public static long Count(string text)
    {
        long count = text.Length;
        for (var i = 0; i + 1 < text.Length; i++)
        {
            if (char.IsHighSurrogate(text[i]) && char.IsLowSurrogate(text[i + 1]))
            {
                count--;
                i++;
            }
        }
        return count;
    }

    /// <summary>The code points, each as a text of its own.</summary>
    public static List<object?> Split(string text, RenderContext context)
    {
        context.Reserve(8L * text.Length, "a list of characters");
        var parts = new List<object?>(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            var isPair = char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]);
            parts.Add(text.Substring(i, isPair ? 2 : 1));
            i += isPair ? 1 : 0;
        }
        return parts;
    }

    /// <summary>text[start:stop:step] with Python's rules; null means left out.</summary>
    public static string Slice(string text, long? start, long? stop, long? step, RenderContext context)
    {
        context.Reserve(text.Length, "a text");
        var stride = step ?? 1;
        if (!text.AsSpan().ContainsAnyInRange('\ud800', '\udfff'))
        {
            var (first, count) = SliceBounds(text.Length, start, stop, stride);
            return stride == 1
                ? text.Substring((int)first, (int)count)
                : string.Create((int)count, (text, first, stride), static (span, s) =>
                {
                    for (var i = 0; i < span.Length; i++)
                    {
                        span[i] = s.text[(int)(s.first + (i * s.stride))];
                    }
                });
        }
        var parts = Split(text, context);
        var (from, length) = SliceBounds(parts.Count, start, stop, stride);
        var output = new StringBuilder();
        for (var i = 0L; i < length; i++)
        {
            output.Append((string)parts[(int)(from + (i * stride))]!);
        }
        return output.ToString();
    }

    /// <summary>First index and number of the items that a slice takes; <paramref name="step"/> is not zero.</summary>
    public static (long First, long Count) SliceBounds(long length, long? start, long? stop, long step)
    {
        var low = step > 0 ? 0 : -1;
        var high = step > 0 ? length : length - 1;
        long Bound(long? given, long missing) =>
            given is not { } g ? missing : g < 0 ? Math.Max(g + length, low) : Math.Min(g, high);
        var first = Bound(start, step > 0 ? low : high);
        var end = Bound(stop, step > 0 ? high : low);
        var distance = step > 0 ? end - first : first - end;
        // A stride beyond the length takes one item; the cap keeps the sum below from overflowing.
        var stride = step == long.MinValue ? long.MaxValue : Math.Abs(step);
        return (first, distance <= 0 ? 0 : 1 + ((distance - 1) / stride));
    }
}
