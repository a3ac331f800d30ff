using System.Security.Cryptography;
using IccEngine.Clustering;
using IccEngine.Core;

namespace IccEngine.InContext;

/// <summary>The episodes of an evaluation: of files, or generated. They are taken one at a time.</summary>
public sealed class EvaluationData
{
    private readonly Func<long?, IEnumerable<(long Index, Episode Episode)>> _episodes;
    private readonly Func<long?, long> _count;

    private EvaluationData(string description, Func<long?, IEnumerable<(long, Episode)>> episodes, Func<long?, long> count) =>
        (Description, _episodes, _count) = (description, episodes, count);

    /// <summary>What tells these data from others: the spec, or names and check sums of the files.</summary>
    public string Description { get; }

    /// <summary>The episodes of files, numbered through all of them. An episode with <c>perms</c> is clustered in each of these orders.</summary>
    /// <param name="paths">At least one; see <see cref="EpisodeFile"/>.</param>
    /// <exception cref="IccArgumentException">No file, or none with an episode.</exception>
    /// <exception cref="IccFormatException">A file cannot be read, or a line of one is no episode: all of it is read once, before long work.</exception>
    public static EvaluationData FromFiles(IReadOnlyList<string> paths)
    {
        var description = string.Join(", ", paths.Select(path => $"{Path.GetFileName(path)} sha256:{CheckSum(path)}"));
        var data = new EvaluationData(description, limit => OfFiles(paths, limit), limit => OfFiles(paths, limit).Sum(e => Orders(e.Episode)));
        return data.Count(null) > 0 ? data : throw new IccArgumentException($"data: no episode in {string.Join(", ", paths)}");
    }

    /// <summary>Generated episodes.</summary>
    /// <param name="spec">Which.</param>
    /// <param name="orders">Orders in which each is clustered: the first is its own, the others are drawn from its seed.</param>
    public static EvaluationData Generated(EpisodeSpec spec, int orders = 1) => new(
        orders == 1 ? spec.Text : $"{spec.Text} in {orders} orders",
        limit => OfSpec(spec, orders, limit),
        limit => spec.Cells.Count * Math.Min(limit ?? long.MaxValue, spec.CountPerCell) * orders);

    /// <summary>The episodes, each when it is asked for, with its number, which a limit does not change.</summary>
    /// <param name="limit">How many of each cell at most; null: all.</param>
    public IEnumerable<(long Index, Episode Episode)> Episodes(long? limit) => _episodes(limit);

    /// <summary>How often a method is run on the episodes: once for each order of each.</summary>
    /// <param name="limit">How many episodes of each cell at most; null: all.</param>
    public long Count(long? limit) => _count(limit);

    private static long Orders(Episode episode) => episode.Perms?.Count ?? 1;

    private static IEnumerable<(long Index, Episode Episode)> OfFiles(IReadOnlyList<string> paths, long? limit)
    {
        var (index, taken) = (0L, new Dictionary<EvaluationCell, long>());
        foreach (var episode in paths.SelectMany(EpisodeFile.Read))
        {
            var cell = EvaluationCell.Of(episode);
            var before = taken.GetValueOrDefault(cell);
            if (limit is null || before < limit)
            {
                taken[cell] = before + 1;
                yield return (index, episode);
            }
            index++;
        }
    }

    private static IEnumerable<(long, Episode)> OfSpec(EpisodeSpec spec, int orders, long? limit)
    {
        var each = Math.Min(limit ?? long.MaxValue, spec.CountPerCell);
        for (var cell = 0; cell < spec.Cells.Count; cell++)
        {
            for (var i = 0L; i < each; i++)
            {
                var episode = spec.Cells[cell].Create(spec.SeedOf(cell, i));
                yield return (cell * spec.CountPerCell + i, orders == 1 ? episode : episode with { Perms = Draw(episode, orders) });
            }
        }
    }

    private static int[][] Draw(Episode episode, int orders)
    {
        // Apart from the sequence that the episode itself was drawn from.
        var random = new SeededRandom(~episode.Seed!.Value);
        return [Enumerable.Range(0, episode.N).ToArray(), .. Enumerable.Range(1, orders - 1).Select(_ => random.Permutation(episode.N))];
    }

    private static string CheckSum(string path)
    {
        try
        {
            using var stream = File.OpenRead(path);
            return Convert.ToHexStringLower(SHA256.HashData(stream));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new IccFormatException(
                path, e is FileNotFoundException or DirectoryNotFoundException ? "no such file" : $"cannot be read: {e.Message.ReplaceLineEndings(" ")}", e);
        }
    }
}
