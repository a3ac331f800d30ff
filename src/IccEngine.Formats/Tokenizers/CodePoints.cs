using System.Globalization;
using System.Text;

namespace IccEngine.Formats.Tokenizers;

/// <summary>Unicode code points: conversion from UTF-16 and the character classes the tokenizer file formats rely on.</summary>
internal static class CodePoints
{
    /// <summary>The code points of a text; a lone surrogate becomes U+FFFD.</summary>
    public static int[] Of(string text)
    {
        var points = new int[text.Length];
        var count = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            points[count++] = rune.Value;
        }
        Array.Resize(ref points, count);
        return points;
    }

    /// <summary>The UTF-16 text of code points.</summary>
    public static string ToText(ReadOnlySpan<int> points)
    {
        var text = new StringBuilder(points.Length);
        foreach (var point in points)
        {
            Append(text, point);
        }
        return text.ToString();
    }

    public static void Append(StringBuilder text, int point)
    {
        if (point < 0x10000)
        {
            text.Append((char)point);
        }
        else
        {
            text.Append((char)(0xD7C0 + (point >> 10))).Append((char)(0xDC00 | (point & 0x3FF)));
        }
    }

    /// <summary>Unicode's White_Space.</summary>
    public static bool IsWhiteSpace(int point) => point < 0x10000 && char.IsWhiteSpace((char)point);

    /// <summary>General category N.</summary>
    public static bool IsNumeric(int point) => CharUnicodeInfo.GetUnicodeCategory(point)
        is UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber;

    /// <summary>
    /// Unicode's definition of a word character (UTS 18, annex C): Alphabetic, M, Nd, Pc and the join controls. The
    /// Alphabetic characters outside the categories L, M and Nl are the circled and squared Latin letters.
    /// </summary>
    public static bool IsWord(int point) => CharUnicodeInfo.GetUnicodeCategory(point) switch
    {
        UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter
            or UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter or UnicodeCategory.NonSpacingMark
            or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark or UnicodeCategory.DecimalDigitNumber
            or UnicodeCategory.LetterNumber or UnicodeCategory.ConnectorPunctuation => true,
        _ => point is 0x200C or 0x200D or (>= 0x24B6 and <= 0x24E9) or (>= 0x1F130 and <= 0x1F149)
            or (>= 0x1F150 and <= 0x1F169) or (>= 0x1F170 and <= 0x1F189),
    };
}
