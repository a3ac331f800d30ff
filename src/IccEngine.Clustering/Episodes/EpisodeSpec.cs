using System.Globalization;
using IccEngine.Core;

namespace IccEngine.Clustering;

/// <summary>
/// Which episodes are to be generated, as a text such as <c>t:df=1/2/5,c=3,d=3,n=10..50,count=100,seed=0</c>: a kind, and what differs from
/// the defaults. A slash makes cells (every combination of c, d and df), two points a range that each episode draws from.
/// </summary>
/// <remarks>
/// Kinds: t, lognormal, normal, anisotropic, imbalanced, density, rings, moons. Keys: c (clusters; 3), d (columns; 3, at least 2 for rings and
/// moons), n (points; 10..50, or from c up where that is more), df (for t; 2), count (episodes a cell; 100), seed (0).
/// </remarks>
public sealed record EpisodeSpec
{
    private const int LargestClusters = 10_000;
    private const int LargestColumns = 10_000;
    private const int LargestPoints = 1_000_000;
    private const long LargestValues = 1_000_000;
    private const int LargestCells = 10_000;
    private const double SmallestDf = 0.1;
    private const double LargestDf = 1e9;

    private static readonly string[] Kinds = [.. Enum.GetNames<EpisodeKind>().Select(k => k.ToLowerInvariant())];

    private EpisodeSpec(IReadOnlyList<EpisodeCell> cells, long count, long seed, string text) =>
        (Cells, CountPerCell, Seed, Text) = (cells, count, seed, text);

    /// <summary>The cells, by c, then d, then df, as they were written.</summary>
    public IReadOnlyList<EpisodeCell> Cells { get; }

    /// <summary>Episodes of each cell.</summary>
    public long CountPerCell { get; }

    /// <summary>What all seeds follow from.</summary>
    public long Seed { get; }

    /// <summary>Episodes in all.</summary>
    public long Count => Cells.Count * CountPerCell;

    /// <summary>The text with every key.</summary>
    public string Text { get; }

    /// <summary>The name of a kind in specs and files.</summary>
    public static string NameOf(EpisodeKind kind) => Kinds[(int)kind];

    /// <summary>Reads a text.</summary>
    /// <exception cref="IccArgumentException">It is no spec; the message says where, and what was expected.</exception>
    public static EpisodeSpec Parse(string text)
    {
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        var name = (colon < 0 ? text : text[..colon]).Trim();
        var kind = Array.IndexOf(Kinds, name);
        if (kind < 0)
        {
            throw Wrong(name, "kind", name, string.Join(", ", Kinds));
        }
        return Build((EpisodeKind)kind, Values(name, colon < 0 ? "" : text[(colon + 1)..]));
    }

    /// <summary>
    /// The episodes, one after the other: memory is that of one. The seed of each follows from this one's, its cell and its place, and it
    /// alone remakes the episode (<see cref="EpisodeCell.Create"/>).
    /// </summary>
    public IEnumerable<Episode> Generate()
    {
        for (var cell = 0; cell < Cells.Count; cell++)
        {
            for (var i = 0L; i < CountPerCell; i++)
            {
                yield return Cells[cell].Create(SeedOf(cell, i));
            }
        }
    }

    /// <summary>The seed of an episode: 52 bits, so that every reader of JSON reads it back.</summary>
    public long SeedOf(int cell, long index)
    {
        var mixed = new SeededRandom(unchecked(Seed * 1_000_003 + cell)).NextUInt64();
        return (long)(new SeededRandom(unchecked((long)mixed + index)).NextUInt64() >> 12);
    }

    /// <inheritdoc/>
    public override string ToString() => Text;

    private static EpisodeSpec Build(EpisodeKind kind, Dictionary<string, string> given)
    {
        var name = NameOf(kind);
        var flat = kind is EpisodeKind.Rings or EpisodeKind.Moons;
        var (clusters, columns) = (Take("c", "3"), Take("d", flat ? "2" : "3"));
        var cs = Ranges(name, "c", clusters, 1, LargestClusters);
        var ds = Ranges(name, "d", columns, flat ? 2 : 1, LargestColumns);
        var most = cs.Max(r => r.To);
        var points = Take("n", $"{Math.Max(10, most)}..{Math.Max(50, most)}");
        var n = Range(name, "n", points, most, LargestPoints);
        if ((long)n.To * ds.Max(r => r.To) > LargestValues)
        {
            throw Wrong(name, "n x d", $"{n.To} x {ds.Max(r => r.To)}", $"at most {LargestValues} values an episode");
        }
        var freedom = kind == EpisodeKind.T ? Take("df", "2") : null;
        var dfs = freedom?.Split('/').Select(df => (double?)Df(name, df)).ToArray() ?? [null];
        var (count, seed) = (Long(name, "count", Take("count", "100"), 1, 1_000_000_000_000), Long(name, "seed", Take("seed", "0"), long.MinValue, long.MaxValue));
        if (given.Count > 0)
        {
            throw Wrong(name, "key", given.Keys.First(), kind == EpisodeKind.T ? "c, d, n, df, count, seed" : "c, d, n, count, seed");
        }
        if ((long)cs.Length * ds.Length * dfs.Length > LargestCells)
        {
            throw Wrong(name, "cells", $"{(long)cs.Length * ds.Length * dfs.Length}", $"at most {LargestCells}");
        }
        var cells = from c in cs from d in ds from df in dfs select new EpisodeCell(kind, c, d, n, df);
        var text = $"{name}:c={clusters},d={columns},n={points}{(freedom is null ? "" : $",df={freedom}")},count={count},seed={seed}";
        return new EpisodeSpec([.. cells], count, seed, text);

        string Take(string key, string otherwise) => given.Remove(key, out var value) ? value : otherwise;
    }

    private static Dictionary<string, string> Values(string name, string text)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var part in text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = part.IndexOf('=', StringComparison.Ordinal);
            if (equals < 1 || !values.TryAdd(part[..equals].Trim(), part[(equals + 1)..].Trim()))
            {
                throw Wrong(name, "part", part, "key=value, each key once");
            }
        }
        return values;
    }

    private static IntRange[] Ranges(string name, string key, string text, int least, int most) =>
        [.. text.Split('/').Select(part => Range(name, key, part, least, most))];

    private static IntRange Range(string name, string key, string text, int least, int most)
    {
        var ends = text.Split("..");
        bool Read(string end, out int value) => int.TryParse(end.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out value) && value >= least && value <= most;
        return ends.Length <= 2 && Read(ends[0], out var from) && Read(ends[^1], out var to) && from <= to
            ? new IntRange(from, to)
            : throw Wrong(name, key, text, $"a whole number or a range such as {least}..{Math.Min(most, least + 20)}, between {least} and {most}");
    }

    private static double Df(string name, string text) =>
        double.TryParse(text.Trim(), NumberStyles.Float, CultureInfo.InvariantCulture, out var df) && df >= SmallestDf && df <= LargestDf
            ? df
            : throw Wrong(name, "df", text, FormattableString.Invariant($"numbers between {SmallestDf} and {LargestDf}, with / between them"));

    private static long Long(string name, string key, string text, long least, long most) =>
        long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) && value >= least && value <= most
            ? value
            : throw Wrong(name, key, text, $"a whole number between {least} and {most}");

    private static IccArgumentException Wrong(string name, string key, string found, string expected)
    {
        var shown = (found.Length > 60 ? found[..60] + "..." : found).ReplaceLineEndings(" ");
        var start = key == "kind" ? "data" : $"data '{name}'";
        return new IccArgumentException($"{start}, {key}: found '{shown}', expected {expected}");
    }
}
