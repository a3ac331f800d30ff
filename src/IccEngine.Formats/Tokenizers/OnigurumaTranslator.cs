using System.Globalization;
using System.Text;
using IccEngine.Core;

namespace IccEngine.Formats.Tokenizers;

/// <summary>A pattern in .NET's syntax for one character per code point.</summary>
/// <param name="Pattern">The .NET pattern; no options change its meaning.</param>
/// <param name="Named">The ranges of characters that it names one by one.</param>
internal sealed record TranslatedPattern(string Pattern, IReadOnlyList<(int First, int Last)> Named)
{
    public bool Names(char c) => Named.Any(range => c >= range.First && c <= range.Last);
}

/// <summary>
/// Translates the part of Oniguruma's syntax (Ruby's, as tokenizer.json uses it) that tokenizers are written in. What is
/// not known to mean the same in both engines is refused by name: scripts, anchors, back references, set operations,
/// characters outside the BMP, patterns that match the empty text.
/// </summary>
internal sealed partial class OnigurumaTranslator
{
    private const int MaximumLength = 20_000, MaximumDepth = 50, MaximumWeight = 20_000;

    private readonly JsonPlace json;
    private readonly string source;
    private readonly StringBuilder output = new();
    private readonly List<(int, int)> named = [];
    private int at;
    private int previousCaseless = -1;

    private OnigurumaTranslator(string source, JsonPlace json)
    {
        this.source = source;
        this.json = json;
    }

    /// <summary>Translates a pattern; <paramref name="json"/> is the place of the file that asks for it.</summary>
    public static TranslatedPattern Translate(string source, JsonPlace json)
    {
        var translator = new OnigurumaTranslator(source, json);
        if (translator.source.Length > MaximumLength)
        {
            throw json.Unsupported($"a pattern of {translator.source.Length} characters (limit {MaximumLength})");
        }
        var minimum = translator.Alternatives(false, 0).Minimum;
        if (translator.at < translator.source.Length)
        {
            throw translator.Malformed("an unmatched ')'");
        }
        return minimum == 0
            ? throw json.Unsupported("a pattern that can match the empty text")
            : new TranslatedPattern(translator.output.ToString(), translator.named);
    }

    /// <summary>A translated part of the pattern.</summary>
    /// <param name="Minimum">The least number of characters it matches.</param>
    /// <param name="Weight">Its number of single-character parts with counted repetitions written out: a compiled pattern grows with it.</param>
    private readonly record struct Part(int Minimum, int Weight);

    private bool More => at < source.Length;

    /// <summary>Translates up to a closing bracket or the end.</summary>
    private Part Alternatives(bool caseless, int depth)
    {
        if (depth > MaximumDepth)
        {
            throw json.Unsupported($"a pattern nested more than {MaximumDepth} deep");
        }
        var (least, current, weight) = (int.MaxValue, 0, 0);
        previousCaseless = -1;
        while (More && source[at] != ')')
        {
            if (source[at] == '|')
            {
                output.Append(source[at++]);
                least = Math.Min(least, current);
                (current, previousCaseless) = (0, -1);
                continue;
            }
            var part = Quantified(caseless, depth);
            current = Math.Min(current + part.Minimum, MaximumWeight);
            weight += part.Weight;
        }
        previousCaseless = -1;
        return new Part(Math.Min(least, current), weight);
    }

    private Part Quantified(bool caseless, int depth)
    {
        var start = output.Length;
        var part = Atom(caseless, depth, out var canRepeat);
        if (!More || Quantifier() is not var (text, low, high, possessive))
        {
            return part;
        }
        if (!canRepeat)
        {
            throw json.Unsupported("a repeated look-around in the pattern");
        }
        if (More && source[at] is '*' or '+' or '?' or '{')
        {
            throw json.Unsupported("a doubled quantifier in the pattern");
        }
        if ((long)part.Weight * Math.Max(1, high) > MaximumWeight)
        {
            throw json.Unsupported($"a pattern of more than {MaximumWeight} parts, its repetitions written out");
        }
        output.Append(text);
        if (possessive)
        {
            output.Insert(start, "(?>").Append(')');
        }
        previousCaseless = -1;
        return new Part(Math.Min(part.Minimum * low, MaximumWeight), part.Weight * Math.Max(1, high));
    }

    /// <summary>Reads a quantifier, if there is one; the highest count of an unlimited one is 0.</summary>
    private (string Text, int Low, int High, bool Possessive)? Quantifier()
    {
        (string Text, int Low, int High) found;
        switch (source[at])
        {
            case '*': found = ("*", 0, 0); at++; break;
            case '+': found = ("+", 1, 0); at++; break;
            case '?': found = ("?", 0, 1); at++; break;
            case '{': return Counted();
            default: return null;
        }
        if (More && source[at] == '?')
        {
            at++;
            return (found.Text + "?", found.Low, found.High, false);
        }
        if (More && source[at] == '+')
        {
            at++;
            return (found.Text, found.Low, found.High, true);
        }
        return (found.Text, found.Low, found.High, false);
    }

    private (string Text, int Low, int High, bool Possessive) Counted()
    {
        var close = source.IndexOf('}', at);
        var parts = close < 0 ? [] : source[(at + 1)..close].Split(',');
        if (parts.Length is not (1 or 2) || !Count(parts[0], out var low)
            || (!Count(parts[^1], out var high) && parts[^1].Length > 0) || (parts[^1].Length > 0 && high < low))
        {
            throw json.Unsupported("a '{' in the pattern that is not a repetition {n}, {n,} or {n,m}");
        }
        at = close + 1;
        var text = parts.Length == 1 ? $"{{{low}}}" : parts[1].Length == 0 ? $"{{{low},}}" : $"{{{low},{high}}}";
        if (parts.Length == 2 && More && source[at] == '?')
        {
            at++;
            text += "?";
        }
        return (text, low, Math.Max(low, high), false);

        static bool Count(string digits, out int value) =>
            int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out value) && value <= MaximumWeight;
    }

    private Part Atom(bool caseless, int depth, out bool canRepeat)
    {
        canRepeat = true;
        var c = source[at];
        switch (c)
        {
            case '(':
                return Group(caseless, depth, out canRepeat);
            case '[':
                previousCaseless = -1;
                Class(caseless);
                return new Part(1, 1);
            case '.':
                at++;
                previousCaseless = -1;
                output.Append("[^\\n]");
                return new Part(1, 1);
            case '^' or '$':
                throw json.Unsupported($"the anchor {c} in the pattern");
            case '*' or '+' or '?' or '{':
                throw Malformed($"a '{c}' that repeats nothing");
            case '\\' when ClassEscape(caseless) is { } set:
                previousCaseless = -1;
                output.Append(set);
                return new Part(1, 1);
            default:
                Literal(Character(), caseless);
                return new Part(1, 1);
        }
    }

    private Part Group(bool caseless, int depth, out bool canRepeat)
    {
        at++;
        (string Source, string Target, bool Looks)[] kinds =
        [
            ("?:", "(?:", false), ("?i:", "(?:", false), ("?=", "(?=", true), ("?!", "(?!", true),
            ("?<=", "(?<=", true), ("?<!", "(?<!", true), ("?>", "(?>", false),
        ];
        var kind = kinds.FirstOrDefault(k => string.CompareOrdinal(source, at, k.Source, 0, k.Source.Length) == 0);
        if (kind.Source is null && More && source[at] == '?')
        {
            throw json.Unsupported($"the group \"({source.AsSpan(at, Math.Min(4, source.Length - at))}\" in the pattern");
        }
        at += kind.Source?.Length ?? 0;
        output.Append(kind.Target ?? "(?:");
        var inner = Alternatives(caseless || kind.Source == "?i:", depth + 1);
        if (!More)
        {
            throw Malformed("an unmatched '('");
        }
        at++;
        output.Append(')');
        canRepeat = !kind.Looks;
        return kind.Looks ? inner with { Minimum = 0 } : inner;
    }

    private void Literal(int point, bool caseless)
    {
        if (!caseless)
        {
            Name(point, point);
            output.Append(Escaped(point));
            return;
        }
        // Full case folding makes one letter equal to two in these cases.
        var lower = char.ToLowerInvariant((char)point);
        if ((previousCaseless, lower) is ('s', 's') or ('f', 'f') or ('f', 'i') or ('f', 'l') or ('s', 't'))
        {
            throw json.Unsupported($"the caseless \"{(char)previousCaseless}{lower}\" in the pattern");
        }
        previousCaseless = lower;
        output.Append('[').Append(Caseless(point)).Append(']');
    }

    /// <summary>A character with everything that simple case folding makes equal to it.</summary>
    private string Caseless(int point)
    {
        if (point >= 0x80 && char.IsLetter((char)point))
        {
            throw json.Unsupported($"the caseless letter U+{point:X4} in the pattern");
        }
        List<int> all = point < 0x80 && char.IsAsciiLetter((char)point) ? [point | 0x20, point & ~0x20] : [point];
        all.AddRange((point | 0x20) switch { 's' when all.Count > 1 => [0x17F], 'k' when all.Count > 1 => [0x212A], _ => [] });
        all.ForEach(each => Name(each, each));
        return string.Concat(all.Select(Escaped));
    }

    private void Name(int first, int last) => named.Add((first, last));

    private static string Escaped(int point) =>
        point < 0x80 && char.IsAsciiLetterOrDigit((char)point) ? $"{(char)point}" : $"\\u{point:X4}";

    private IccFormatException Malformed(string found) => json.Error($"the pattern has {found} (character {at} of {source.Length})");
}
