using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using IccEngine.Core;

namespace IccEngine.Formats.Tokenizers;

/// <summary>What a Split or Replace step looks for.</summary>
internal interface IPattern
{
    /// <summary>Prepares a text for any number of searches in its parts.</summary>
    IPatternScan Begin(AlignedText text);
}

/// <summary>Searches in the parts of one text.</summary>
internal interface IPatternScan
{
    /// <summary>
    /// Appends the non-overlapping matches in the part [start, start + length), which is searched as a text of its own;
    /// positions are those of the whole text. No match is empty.
    /// </summary>
    void Find(int start, int length, List<(int Start, int Length)> matches);
}

/// <summary>A literal text, not empty.</summary>
internal sealed class LiteralPattern(int[] literal) : IPattern
{
    public IPatternScan Begin(AlignedText text) => new Scan(text, literal);

    private sealed class Scan(AlignedText text, int[] literal) : IPatternScan
    {
        public void Find(int start, int length, List<(int Start, int Length)> matches)
        {
            var end = start + length;
            while (text.Points[start..end].IndexOf(literal) is var found && found >= 0)
            {
                matches.Add((start + found, literal.Length));
                start += found + literal.Length;
            }
        }
    }
}

/// <summary>
/// A regular expression over code points. .NET's engine sees UTF-16 units, so it runs over a shadow of the text with one
/// character for every code point: code points outside the BMP are replaced by a BMP character of the same general
/// category that the pattern does not name, which every construct the translator lets through cannot tell apart.
/// Positions in the shadow are then code points. The backtracking engine runs under a time limit; the non-backtracking
/// one is not used because it misses matches (.NET 10: " ?\p{L}+" finds "\u0120" and "\u00E9" in
/// " 4\u0120\u3000\u00E9" with the one, only the latter with the other).
/// </summary>
internal sealed class RegexPattern : IPattern
{
    private static readonly TimeSpan OneMatch = TimeSpan.FromSeconds(5);
    private static readonly Lazy<char[][]> Candidates = new(FindCandidates);

    private readonly Regex regex;
    private readonly char[] standIns = new char[30];
    private readonly string place;

    /// <summary>Translates a pattern in Oniguruma's syntax; <paramref name="json"/> is the place of the file that asks for it.</summary>
    /// <exception cref="IccFormatException">The pattern is not well formed.</exception>
    /// <exception cref="IccUnsupportedException">The pattern uses a construct whose meaning is not surely the same here.</exception>
    public RegexPattern(string pattern, JsonPlace json)
    {
        place = $"{json.File}: {json.Path}";
        var translated = OnigurumaTranslator.Translate(pattern, json);
        for (var category = 0; category < standIns.Length; category++)
        {
            standIns[category] = Array.Find(Candidates.Value[category], c => !translated.Names(c));
            if (standIns[category] == 0 && Candidates.Value[category].Length > 0)
            {
                throw json.Unsupported("a pattern that names nearly all characters");
            }
        }
        try
        {
            regex = new Regex(translated.Pattern, RegexOptions.CultureInvariant, OneMatch);
        }
        catch (ArgumentException e)
        {
            throw json.Error($"the pattern cannot be compiled: {e.Message.ReplaceLineEndings(" ")}", e);
        }
    }

    public IPatternScan Begin(AlignedText text)
    {
        var shadow = new char[text.Length];
        for (var i = 0; i < shadow.Length; i++)
        {
            var point = text.Points[i];
            shadow[i] = point < 0x10000 ? (char)point : standIns[(int)CharUnicodeInfo.GetUnicodeCategory(point)];
        }
        return new Scan(this, shadow);
    }

    /// <summary>For every general category that occurs outside the BMP, characters of the BMP, from its end down.</summary>
    private static char[][] FindCandidates()
    {
        var found = Enumerable.Range(0, 30).Select(_ => new List<char>()).ToArray();
        for (var point = 0xFFFF; point >= 0x80; point--)
        {
            var category = CharUnicodeInfo.GetUnicodeCategory((char)point);
            // No white space, control character or surrogate lies outside the BMP.
            var occurs = category is not (UnicodeCategory.SpaceSeparator or UnicodeCategory.LineSeparator
                or UnicodeCategory.ParagraphSeparator or UnicodeCategory.Control or UnicodeCategory.Surrogate);
            if (occurs && found[(int)category].Count < 64)
            {
                found[(int)category].Add((char)point);
            }
        }
        return [.. found.Select(list => list.ToArray())];
    }

    private sealed class Scan(RegexPattern pattern, char[] shadow) : IPatternScan
    {
        private readonly Stopwatch clock = Stopwatch.StartNew();
        private readonly TimeSpan allowed = OneMatch + TimeSpan.FromMicroseconds(20.0 * shadow.Length);

        public void Find(int start, int length, List<(int Start, int Length)> matches)
        {
            try
            {
                foreach (var match in pattern.regex.EnumerateMatches(shadow.AsSpan(start, length)))
                {
                    matches.Add((start + match.Index, match.Length));
                    if ((matches.Count & 255) == 0 && clock.Elapsed > allowed)
                    {
                        throw TooSlow(null);
                    }
                }
            }
            catch (RegexMatchTimeoutException e)
            {
                throw TooSlow(e);
            }
        }

        private IccUnsupportedException TooSlow(Exception? inner) => new(
            $"{pattern.place}: the pattern was still searching a text of {shadow.Length} characters after "
            + $"{(inner is null ? allowed : OneMatch).TotalSeconds:F0} s; it needs more than linear time");
    }
}
