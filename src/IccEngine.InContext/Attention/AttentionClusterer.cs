using IccEngine.Clustering;
using IccEngine.Core;
using IccEngine.Models;

namespace IccEngine.InContext;

/// <summary>Settings of <see cref="AttentionClusterer"/>.</summary>
public sealed record AttentionOptions
{
    /// <summary>Layers whose attention is read; null: the format's own choice.</summary>
    public LayerSelection? Layer { get; init; }

    /// <summary>Query head whose attention is read; null: the mean over all heads.</summary>
    public int? Head { get; init; }

    /// <summary>Between which tokens attention is read. Other kinds than <see cref="AffinityKind.II"/> let the model answer first.</summary>
    public AffinityKind Kind { get; init; }

    /// <summary>How several entries of a pair become one.</summary>
    public Symmetrisation Symmetrisation { get; init; }

    /// <summary>What is done against entries that depend on the places of the points.</summary>
    public PositionCorrection PositionCorrection { get; init; }

    /// <summary>
    /// Score all layers and, where no head is chosen and n is not large, all heads, whichever are read; where the layer is to be found the
    /// layers are in any case.
    /// </summary>
    public bool LayerScores { get; init; }

    /// <summary>
    /// Orders of the points, and of their features, over which the affinity is averaged; 1 is the paper's way. For more points than one prompt holds: how often
    /// each pair meets on average.
    /// </summary>
    public int Permutations { get; init; } = 8;

    /// <summary>Seed of orders, subsets and k-means.</summary>
    public long Seed { get; init; }

    /// <summary>Score how clearly the affinity shows the clusters (<see cref="AttentionResult.Scores"/>).</summary>
    public bool Scores { get; init; }

    /// <summary>Copy the affinity to the host, for the result; it otherwise never leaves the backend.</summary>
    public bool ReturnAffinity { get; init; }

    /// <summary>
    /// Read the affinity of every layer in the same run, and where <see cref="Head"/> is named of every head, for the eye; with them comes
    /// the affinity that is clustered. Each only where it is not too large to look at.
    /// </summary>
    public bool ReturnMaps { get; init; }
}

/// <summary>What clustering by attention gives.</summary>
/// <param name="Labels">Cluster of every point [n], numbered by first appearance.</param>
/// <param name="Layers">The layers that were read; where the layer was to be found, the one that was.</param>
/// <param name="Affinity">
/// [n, n], symmetric, zero diagonal: attention relative to uniform attention, averaged over the prompts; null where it was not asked for.
/// </param>
/// <param name="Eigenvalues">The smallest eigenvalues of the normalised Laplacian, ascending.</param>
/// <param name="Prompts">Prompts that were run.</param>
/// <param name="Tokens">Tokens that were run.</param>
/// <param name="Warnings">What the user should know.</param>
/// <param name="LayerScores">How clearly each layer shows clusters; empty where layers were not compared.</param>
public sealed record AttentionResult(
    int[] Labels, LayerSelection Layers, double[]? Affinity, double[] Eigenvalues, int Prompts, long Tokens, IReadOnlyList<string> Warnings,
    IReadOnlyList<LayerScore> LayerScores)
{
    /// <summary>The affinity of every layer, and where a head was named of every head; empty where they were not asked for, or are too large.</summary>
    public IReadOnlyList<AttentionMap> Maps { get; init; } = [];

    /// <summary>Numbers of the points that <see cref="Affinity"/> and <see cref="Maps"/> are between; null: all.</summary>
    public int[]? AffinityPoints { get; init; }

    /// <summary>How clearly the affinity shows the clusters; null where it was not asked for.</summary>
    public AffinityScores? Scores { get; init; }
}

/// <summary>
/// Spectral clustering of the attention that a model pays from point to point: the points are prefilled as text, A_II of one layer is
/// read from inside the attention kernel, made relative to uniform attention, mirrored and averaged over several orders of the points
/// and of their features, all of it where the model's backend has it. For A_OI and A_OO the model's own answer, in which only labels can
/// be chosen, follows the points in the same prefill, and its labels are tokens of their own.
/// </summary>
public static class AttentionClusterer
{
    /// <summary>Most points: the affinity is n x n doubles.</summary>
    public const int MaxPoints = 20_000;

    /// <summary>Clusters the points.</summary>
    /// <param name="model">The model.</param>
    /// <param name="format">How points are written for it.</param>
    /// <param name="points">The points.</param>
    /// <param name="clusters">Number of clusters, from 1 to n.</param>
    /// <param name="options">Settings.</param>
    /// <param name="adapter">Adapter, or null.</param>
    /// <param name="progress">Called with the share of the work that is done, 0 to 1.</param>
    /// <param name="cancellation">Looked at before every layer of every batch.</param>
    /// <exception cref="IccArgumentException">A layer, a number of clusters or of points that cannot be.</exception>
    /// <exception cref="IccMemoryException">The backend has no room for n x n float64.</exception>
    /// <exception cref="IccUnsupportedException">The answer is wanted, and the vocabulary cannot write it, or not each label as a token of its own.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static AttentionResult Cluster(
        CausalLM model, IPromptFormat format, PointSet points, int clusters, AttentionOptions options, LoraAdapter? adapter = null,
        Action<double>? progress = null, CancellationToken cancellation = default)
    {
        Check(model, points, clusters, options);
        var layers = model.Config.NumHiddenLayers;
        var form = FormOf(options);
        using var affinities = new LayerAffinities(
            model.Backend, points.Count, layers, options.Layer ?? format.DefaultLayer(layers), options.LayerScores, form);
        using var maps = options.ReturnMaps
            ? new AttentionMaps(model.Backend, points.Count, layers, options.Head is null ? null : model.Config.NumAttentionHeads, form)
            : null;
        var plan = SubsetPlan.Make(points.Count, format, options.Permutations, options.Seed);
        var counted = plan.Count;
        // Layers are compared by what comes back in another order, so that there have to be two.
        plan = counted == 1 && affinities.AreCompared ? SubsetPlan.Orders(points.Count, 2, options.Seed) : plan;
        var runs = new PromptRuns(model, format, points, clusters, options, plan, adapter, cancellation);
        var byHead = options.LayerScores && options.Head is null && HeadScores.AreFor(points.Count, layers, model.Config.NumAttentionHeads);
        var tokens = runs.Run(
            [.. affinities.Layers.Union(maps?.Layers ?? []).Order()], options.Head is not null, share => progress?.Invoke(byHead ? share / 2 : share),
            (pooled, order, prompt) =>
            {
                var forScoresOnly = prompt >= counted;
                affinities.Add(layer => options.Head is { } h ? pooled(layer).Row(h) : pooled(layer), order, prompt, forScoresOnly);
                if (!forScoresOnly)
                {
                    maps?.Add(pooled, order);
                }
            });
        var copy = options.ReturnAffinity || options.ReturnMaps && AttentionMaps.Fits(points.Count) ? new double[points.Count * points.Count] : null;
        var spectral = new SpectralClustering { NClusters = clusters, RandomState = options.Seed };
        var (found, chosen, layerScores, scores) = affinities.Cluster(spectral, copy, options.Scores);
        if (byHead)
        {
            using var heads = new HeadScores(model.Backend, points.Count, layers, model.Config.NumAttentionHeads, form);
            tokens += runs.Run(
                [.. Enumerable.Range(0, layers)], true, share => progress?.Invoke((1 + share) / 2),
                (pooled, order, prompt) => heads.Add(pooled, order, prompt, forScoresOnly: prompt >= counted));
            layerScores = [.. layerScores.Concat(heads.Score(spectral)).OrderBy(s => s.Layer).ThenBy(s => s.Head ?? -1)];
        }
        return new AttentionResult(
            LabelOrder.ByFirstAppearance(found.Labels), chosen, copy, found.Embedding.Eigenvalues, plan.Count, tokens, found.Warnings, layerScores)
        {
            Scores = scores,
            Maps = maps?.Read() ?? [],
        };
    }

    private static void Check(CausalLM model, PointSet points, int clusters, AttentionOptions options)
    {
        if (points.Count < 2 || points.Count > MaxPoints)
        {
            throw new IccArgumentException($"{points.Count} points; expected from 2 to {MaxPoints}");
        }
        if (clusters < 1 || clusters > points.Count)
        {
            throw new IccArgumentException($"{clusters} clusters of {points.Count} points; expected from 1 to {points.Count}");
        }
        if (options.Permutations is < 1 or > 10_000)
        {
            throw new IccArgumentException($"{options.Permutations} permutations; expected from 1 to 10000");
        }
        var heads = model.Config.NumAttentionHeads;
        if (options.Head is { } head && (head < 0 || head >= heads))
        {
            throw new IccArgumentException($"head {head}: expected 0 to {heads - 1}");
        }
    }

    private static AffinityForm FormOf(AttentionOptions options) => new()
    {
        WholeRows = options.Kind == AffinityKind.OI,
        Absolute = options.PositionCorrection == PositionCorrection.None,
        PowerMean = options.Symmetrisation == Symmetrisation.Power,
    };
}
