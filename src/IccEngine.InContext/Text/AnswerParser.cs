using System.Globalization;
using System.Numerics;
using IccEngine.Core;

namespace IccEngine.InContext;

/// <summary>What was read from a model's answer.</summary>
/// <param name="Labels">One label for every point: the rank of its value, or -1 where the answer was too short.</param>
/// <param name="Items">The values before ranking, as they were written.</param>
/// <param name="Found">Whether the answer held a list at all; count the answers that did not beside every accuracy.</param>
public sealed record ParsedAnswer(int[] Labels, IReadOnlyList<string> Items, bool Found);

/// <summary>
/// Reads labels from a model's answer as the original of the paper does. The first run of ASCII letters, digits, commas and white space
/// between brackets is the list; a minus, point, quote or inner bracket disqualifies a list, and a missing bracket is not repaired. If the
/// list is JSON its values count, else the texts between its commas. Every value becomes its rank among the distinct values (numbers by
/// size, texts by code point, true as 1, false as 0, then null, then NaN); ranks are taken over all values before the list is padded with -1 or cut.
/// </summary>
public static class AnswerParser
{
    /// <summary>Reads the labels of <paramref name="points"/> points.</summary>
    /// <param name="answer">The model's text.</param>
    /// <param name="points">The number of points, n.</param>
    /// <exception cref="IccArgumentException">n below 0.</exception>
    public static ParsedAnswer Parse(string answer, int points)
    {
        ArgumentNullException.ThrowIfNull(answer);
        if (points < 0)
        {
            throw new IccArgumentException($"the number of points must be at least 0, found {points}");
        }
        var labels = new int[points];
        Array.Fill(labels, -1);
        if (FindList(answer) is not { } list)
        {
            return new ParsedAnswer(labels, [], Found: false);
        }
        var items = Split(list);
        var ranks = Ranks(items);
        Array.Copy(ranks, labels, Math.Min(ranks.Length, points));
        return new ParsedAnswer(labels, items, Found: true);
    }

    /// <summary>What stands between the brackets of the first list, or null.</summary>
    private static string? FindList(string answer)
    {
        for (var open = answer.IndexOf('['); open >= 0; open = answer.IndexOf('[', open + 1))
        {
            var end = open + 1;
            while (end < answer.Length && (char.IsAsciiLetterOrDigit(answer[end]) || answer[end] == ',' || IsSpace(answer[end])))
            {
                end++;
            }
            if (end < answer.Length && answer[end] == ']' && end > open + 1)
            {
                return answer[(open + 1)..end];
            }
        }
        return null;
    }

    /// <summary>The items: none where the list is blank in the eyes of JSON, whose white space is only blank, tab and line ends.</summary>
    private static string[] Split(string list) => list.AsSpan().ContainsAnyExcept(" \t\r\n") ? list.Split(',') : [];

    private static int[] Ranks(string[] items)
    {
        var values = Array.ConvertAll(items, JsonValue);
        if (values.Any(v => v is null))
        {
            for (var i = 0; i < items.Length; i++)
            {
                items[i] = Trim(items[i]);
            }
            var texts = items.Distinct().Order(StringComparer.Ordinal).Select((text, rank) => (text, rank)).ToDictionary(p => p.text, p => p.rank);
            return Array.ConvertAll(items, i => texts[i]);
        }
        for (var i = 0; i < items.Length; i++)
        {
            items[i] = items[i].Trim(' ', '\t', '\r', '\n');
        }
        var ranks = values.Distinct().OrderBy(v => v!.Value.Kind).ThenBy(v => v!.Value.Digits.Length)
            .ThenBy(v => v!.Value.Digits, StringComparer.Ordinal).Select((value, rank) => (value, rank)).ToDictionary(p => p.value!.Value, p => p.rank);
        return Array.ConvertAll(values, v => ranks[v!.Value]);
    }

    private enum ValueKind
    {
        Number,
        Infinity,
        Null,
        NaN,
    }

    /// <summary>A JSON value that can occur: every number here is a whole one, at least 0, kept as its decimal digits.</summary>
    private readonly record struct Value(ValueKind Kind, string Digits);

    /// <summary>The value of one item, or null where it is no JSON (Python's, with NaN and Infinity).</summary>
    private static Value? JsonValue(string item)
    {
        var text = item.Trim(' ', '\t', '\r', '\n');
        switch (text)
        {
            case "true":
                return new Value(ValueKind.Number, "1");
            case "false":
                return new Value(ValueKind.Number, "0");
            case "null":
                return new Value(ValueKind.Null, "");
            case "NaN":
                return new Value(ValueKind.NaN, "");
            case "Infinity":
                return new Value(ValueKind.Infinity, "");
        }
        var power = text.IndexOfAny(['e', 'E']);
        var whole = power < 0 ? text : text[..power];
        var isNumber = IsDigits(whole) && (whole.Length == 1 || whole[0] != '0') && (power < 0 || IsDigits(text[(power + 1)..]));
        if (!isNumber || power < 0)
        {
            return isNumber ? new Value(ValueKind.Number, whole) : null;
        }
        // With an exponent Python reads a float; without sign or point it is whole, or too large.
        var number = double.Parse(text, NumberStyles.AllowExponent, CultureInfo.InvariantCulture);
        return double.IsInfinity(number)
            ? new Value(ValueKind.Infinity, "")
            : new Value(ValueKind.Number, new BigInteger(number).ToString(CultureInfo.InvariantCulture));
    }

    private static bool IsDigits(string text) => text.Length > 0 && !text.AsSpan().ContainsAnyExceptInRange('0', '9');

    private static string Trim(string text)
    {
        var (start, end) = (0, text.Length);
        while (start < end && IsSpace(text[start]))
        {
            start++;
        }
        while (end > start && IsSpace(text[end - 1]))
        {
            end--;
        }
        return text[start..end];
    }

    /// <summary>Python's white space: .NET's and the separators U+001C to U+001F.</summary>
    private static bool IsSpace(char c) => char.IsWhiteSpace(c) || (c >= '\u001c' && c <= '\u001f');
}
