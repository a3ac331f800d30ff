using IccEngine.Clustering;
using IccEngine.Core;
using IccEngine.Formats;
using IccEngine.InContext;

namespace IccEngine;

/// <summary>What is done to the columns before the model sees them.</summary>
public enum TableScale
{
    /// <summary>Nothing.</summary>
    None,
    /// <summary>Each column to mean 0 and standard deviation 1 (population).</summary>
    Standard,
}

/// <summary>How well labels agree with the classes of a table.</summary>
/// <param name="Accuracy">Share of rows that the best one-to-one matching of clusters and classes gets right.</param>
/// <param name="Ari">Adjusted Rand index.</param>
/// <param name="Nmi">Normalised mutual information, arithmetic mean.</param>
public sealed record LabelMetrics(double Accuracy, double Ari, double Nmi)
{
    /// <summary>Compares labels with classes.</summary>
    /// <exception cref="IccArgumentException">They differ in length, or are empty.</exception>
    public static LabelMetrics Of(ReadOnlySpan<int> classes, ReadOnlySpan<int> labels) => new(
        Metrics.Accuracy(classes, labels), Metrics.AdjustedRandIndex(classes, labels), Metrics.NormalizedMutualInfo(classes, labels));
}

/// <summary>A clustered table.</summary>
/// <param name="Table">The table as it was read.</param>
/// <param name="Result">The clustering.</param>
/// <param name="Metrics">For every method its agreement with the label column, or null where there is none.</param>
public sealed record TableClusteringResult(Table Table, ClusterResult Result, IReadOnlyList<LabelMetrics>? Metrics)
{
    /// <summary>The rows as they were clustered: scaled, where that was asked for.</summary>
    internal PointSet Points { get; init; } = new(Table.Values, Table.Rows, Table.Columns);
}

/// <summary>Clusters the rows of a CSV, TSV or JSONL file.</summary>
public static class TableClustering
{
    /// <summary>Name of the column that is added to the rows that are written.</summary>
    public const string ClusterColumn = "cluster";

    /// <summary>Name of the column behind it, where the method gives a confidence.</summary>
    public const string ConfidenceColumn = "confidence";

    /// <summary>Reads the file, clusters its rows, and writes them with their cluster where that is wanted.</summary>
    /// <param name="model">The model.</param>
    /// <param name="path">The file.</param>
    /// <param name="columns">Which columns are numbers, and which one is the class.</param>
    /// <param name="clusters">Number of clusters, from 1 to the number of rows; null: it is estimated.</param>
    /// <param name="scale">What is done to the columns first.</param>
    /// <param name="options">Settings of the clustering.</param>
    /// <param name="output">File to write: the rows, with further columns for the label of the first method and, where there is one, its confidence; null: none.</param>
    /// <param name="progress">Told the share of the work that is done, 0 to 1.</param>
    /// <param name="cancellation">Looked at before every layer.</param>
    /// <exception cref="IccFormatException">The file is missing or malformed, a value is missing or no number, or the output cannot be written.</exception>
    /// <exception cref="IccArgumentException">A column, a layer or a number of clusters that cannot be.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static TableClusteringResult Cluster(
        IccModel model, string path, TableOptions columns, int? clusters, TableScale scale = TableScale.None, ClusterOptions? options = null,
        string? output = null, IProgress<double>? progress = null, CancellationToken cancellation = default)
    {
        if (output is not null)
        {
            AtomicFile.CheckPlace(output);
        }
        var table = Table.Read(path, columns);
        var answers = options is { Method: ClusterMethod.Generate, Estimator: null };
        foreach (var name in output is null ? [] : answers ? [ClusterColumn, ConfidenceColumn] : new[] { ClusterColumn })
        {
            if (table.HasColumn(name))
            {
                throw new IccArgumentException($"{path}: has a column '{name}' already, which is the name of the column to be written");
            }
        }
        if (clusters < 1 || clusters > table.Rows)
        {
            throw new IccArgumentException($"{path}: {clusters} clusters of {table.Rows} rows; expected from 1 to {table.Rows}");
        }
        var values = scale == TableScale.Standard
            ? StandardScaler.Fit(table.Values, table.Rows, table.Columns).Transform(table.Values, table.Rows)
            : table.Values;
        var points = new PointSet(values, table.Rows, table.Columns);
        var result = model.Cluster(points, clusters, options, progress, cancellation);
        if (output is not null)
        {
            table.WriteWithLabels(output, result.Labels, ClusterColumn, Further(result.Results[0]));
        }
        var classes = table.Labels is null ? null : Number(table.Labels);
        return new TableClusteringResult(
            table, result, classes is null ? null : [.. result.Results.Select(r => LabelMetrics.Of(classes, r.Labels))])
        {
            Points = points,
        };
    }

    private static (string, IReadOnlyList<double>)[] Further(MethodResult found) =>
        found.Confidence is { } confidence ? [(ConfidenceColumn, Array.ConvertAll(confidence, c => Math.Round(c, 4)))] : [];

    /// <summary>Classes as numbers, by first appearance.</summary>
    internal static int[] Number(IReadOnlyList<string> labels)
    {
        var numbers = new Dictionary<string, int>(StringComparer.Ordinal);
        return [.. labels.Select(label => numbers.TryGetValue(label, out var number) ? number : numbers[label] = numbers.Count)];
    }
}
