using System.Globalization;

namespace IccEngine.Formats.Tokenizers;

/// <summary>
/// The four Unicode normalization forms (UAX 15) with alignment to the text before. .NET's own
/// <see cref="string.Normalize()"/> leaves text unchanged in invariant globalization mode and needs ICU otherwise, so
/// the tables travel with the assembly.
/// </summary>
internal static class UnicodeNormalization
{
    private const int HangulBase = 0xAC00, LeadBase = 0x1100, VowelBase = 0x1161, TailBase = 0x11A7;
    private const int LeadCount = 19, VowelCount = 21, TailCount = 28, HangulCount = LeadCount * VowelCount * TailCount;

    private static readonly Lazy<Tables> Data = new(Tables.Load);

    /// <summary>Normalizes a text.</summary>
    /// <param name="text">The text.</param>
    /// <param name="compatible">Compatibility decomposition (forms KC and KD) instead of the canonical one.</param>
    /// <param name="compose">Whether to compose after decomposing (forms C and KC).</param>
    public static AlignedText Normalize(AlignedText text, bool compatible, bool compose)
    {
        var decomposed = Decompose(text, compatible);
        return text.Transform(compose ? Compose(decomposed) : decomposed);
    }

    /// <summary>Full decomposition in canonical order; the first part of a decomposed code point has change 0, the others 1.</summary>
    private static List<(int Point, int Change)> Decompose(AlignedText text, bool compatible)
    {
        var tables = Data.Value;
        var result = new List<(int Point, int Change)>(text.Length);
        foreach (var point in text.Points)
        {
            if (point is >= HangulBase and < HangulBase + HangulCount)
            {
                var index = point - HangulBase;
                result.Add((LeadBase + index / (VowelCount * TailCount), 0));
                result.Add((VowelBase + index % (VowelCount * TailCount) / TailCount, 1));
                if (index % TailCount != 0)
                {
                    result.Add((TailBase + index % TailCount, 1));
                }
            }
            else if (tables.Decomposition(point, compatible) is { } parts)
            {
                for (var i = 0; i < parts.Length; i++)
                {
                    result.Add((parts[i], i == 0 ? 0 : 1));
                }
            }
            else
            {
                result.Add((point, 0));
            }
        }
        OrderMarks(result, tables);
        return result;
    }

    /// <summary>Sorts every run of combining marks by combining class, keeping the order within a class.</summary>
    private static void OrderMarks(List<(int Point, int Change)> text, Tables tables)
    {
        for (var i = 0; i < text.Count; i++)
        {
            var from = i;
            var sorted = true;
            while (i < text.Count && tables.Class(text[i].Point) != 0)
            {
                sorted &= i == from || tables.Class(text[i - 1].Point) <= tables.Class(text[i].Point);
                i++;
            }
            if (!sorted)
            {
                var run = text.GetRange(from, i - from).OrderBy(mark => tables.Class(mark.Point)).ToArray();
                for (var k = 0; k < run.Length; k++)
                {
                    text[from + k] = run[k];
                }
            }
        }
    }

    /// <summary>Canonical composition; a composed code point takes one code point more from the text before.</summary>
    private static List<(int Point, int Change)> Compose(List<(int Point, int Change)> text)
    {
        var tables = Data.Value;
        var result = new List<(int Point, int Change)>(text.Count);
        var starter = -1;
        var lastClass = 0;
        foreach (var (point, change) in text)
        {
            var markClass = tables.Class(point);
            // A mark of the class of the one before it, or of a lower one, is blocked from the starter.
            var blocked = lastClass != 0 && lastClass >= markClass;
            if (starter >= 0 && !blocked && Composition(result[starter].Point, point, tables) is var composed && composed >= 0)
            {
                result[starter] = (composed, result[starter].Change + change - 1);
                continue;
            }
            if (markClass == 0)
            {
                starter = result.Count;
            }
            lastClass = markClass;
            result.Add((point, change));
        }
        return result;
    }

    private static int Composition(int first, int second, Tables tables)
    {
        if (first is >= LeadBase and < LeadBase + LeadCount && second is >= VowelBase and < VowelBase + VowelCount)
        {
            return HangulBase + ((first - LeadBase) * VowelCount + second - VowelBase) * TailCount;
        }
        if (first is >= HangulBase and < HangulBase + HangulCount && (first - HangulBase) % TailCount == 0
            && second is > TailBase and < TailBase + TailCount)
        {
            return first + second - TailBase;
        }
        return tables.Composed(first, second);
    }

    private sealed class Tables
    {
        private readonly Dictionary<int, byte> classes = [];
        private readonly Dictionary<int, int[]> canonical = [];
        private readonly Dictionary<int, int[]> compatible = [];
        private readonly Dictionary<(int, int), int> compositions = [];

        public int Class(int point) => point < 0x300 ? 0 : classes.GetValueOrDefault(point);

        public int[]? Decomposition(int point, bool asCompatible) =>
            point < 0xA0 ? null : (asCompatible ? compatible : canonical).GetValueOrDefault(point);

        public int Composed(int first, int second) => compositions.GetValueOrDefault((first, second), -1);

        public static Tables Load()
        {
            var tables = new Tables();
            var direct = new Dictionary<int, (bool Compatible, int[] Parts)>();
            var excluded = new HashSet<int>();
            using var stream = typeof(UnicodeNormalization).Assembly.GetManifestResourceStream("IccEngine.Formats.UnicodeNormalization")!;
            using var reader = new StreamReader(stream);
            while (reader.ReadLine() is { } line)
            {
                if (line.StartsWith('!'))
                {
                    excluded.Add(Hex(line[1..]));
                }
                else if (!line.StartsWith('#'))
                {
                    tables.Read(line.Split(';'), direct);
                }
            }
            foreach (var (point, (isCompatible, parts)) in direct)
            {
                tables.compatible[point] = Expand(parts, direct, true);
                if (!isCompatible)
                {
                    tables.canonical[point] = Expand(parts, direct, false);
                    // Singletons and decompositions that begin with a mark never compose (UAX 15, D112).
                    if (parts.Length == 2 && !excluded.Contains(point) && tables.Class(point) == 0 && tables.Class(parts[0]) == 0)
                    {
                        tables.compositions[(parts[0], parts[1])] = point;
                    }
                }
            }
            return tables;
        }

        private void Read(string[] fields, Dictionary<int, (bool, int[])> direct)
        {
            var point = Hex(fields[0]);
            if (fields[1] != "0")
            {
                classes[point] = byte.Parse(fields[1], CultureInfo.InvariantCulture);
            }
            if (fields[2].Length > 0)
            {
                var isCompatible = fields[2][0] == '<';
                direct[point] = (isCompatible, fields[2].Split(' ').Skip(isCompatible ? 1 : 0).Select(Hex).ToArray());
            }
        }

        private static int[] Expand(int[] parts, Dictionary<int, (bool Compatible, int[] Parts)> direct, bool asCompatible) =>
            parts.SelectMany(part => direct.TryGetValue(part, out var inner) && (asCompatible || !inner.Compatible)
                ? Expand(inner.Parts, direct, asCompatible)
                : [part]).ToArray();

        private static int Hex(string text) => int.Parse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
    }
}
