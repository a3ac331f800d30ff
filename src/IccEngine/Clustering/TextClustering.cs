using IccEngine.Core;
using IccEngine.Formats;

namespace IccEngine;

/// <summary>Which texts are clustered, and how the model is asked.</summary>
public sealed record TextClusteringOptions
{
    /// <summary>Field of JSON lines that holds the text; null: every line of the file is a text.</summary>
    public string? Field { get; init; }

    /// <summary>By what the texts are to be clustered, in words of the prompt ("by topic"); null: the model is not told.</summary>
    public string? Condition { get; init; }

    /// <summary>
    /// File with a Jinja template of the user's message, whose variables are items, clusters and condition; null: the paper's prompt in
    /// words for texts.
    /// </summary>
    public string? Template { get; init; }

    /// <summary>Settings of the clustering.</summary>
    public ClusterOptions Clustering { get; init; } = new();
}

/// <summary>Clustered texts.</summary>
/// <param name="Path">The file.</param>
/// <param name="Items">The texts as they were read.</param>
/// <param name="Result">The clustering.</param>
public sealed record TextClusteringResult(string Path, IReadOnlyList<string> Items, ClusterResult Result);

/// <summary>Clusters the lines of a text file, or a field of JSON lines, by a language model.</summary>
public static class TextClustering
{
    /// <summary>Reads the file, clusters its items, and writes them with their cluster where that is wanted.</summary>
    /// <param name="model">A language model; not the embedded one, which reads numbers only.</param>
    /// <param name="path">The file.</param>
    /// <param name="clusters">Number of clusters, from 1 to the number of items; null: it is estimated.</param>
    /// <param name="options">Settings.</param>
    /// <param name="output">File of JSON lines to write: the items, with their label by the first method; null: none.</param>
    /// <param name="progress">Told the share of the work that is done, 0 to 1.</param>
    /// <param name="cancellation">Looked at before every layer.</param>
    /// <exception cref="IccFormatException">A file is missing or malformed, the template does not print every item, or the output cannot be written.</exception>
    /// <exception cref="IccUnsupportedException">A template uses something that is not supported.</exception>
    /// <exception cref="IccArgumentException">A number of clusters or a layer that cannot be, more tokens than the model holds, or a model for numbers.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static TextClusteringResult Cluster(
        IccModel model, string path, int? clusters, TextClusteringOptions? options = null, string? output = null,
        IProgress<double>? progress = null, CancellationToken cancellation = default)
    {
        options ??= new TextClusteringOptions();
        if (output is not null)
        {
            AtomicFile.CheckPlace(output);
        }
        var items = TextItems.Read(path, options.Field);
        if (output is not null && items.HasField(TableClustering.ClusterColumn))
        {
            throw new IccArgumentException($"{path}: has a field '{TableClustering.ClusterColumn}' already, which is the name of the field to be written");
        }
        if (clusters < 1 || clusters > items.Items.Count)
        {
            throw new IccArgumentException($"{path}: {clusters} clusters of {items.Items.Count} items; expected from 1 to {items.Items.Count}");
        }
        var result = model.ClusterTexts(items.Items, options.Template, options.Condition, clusters, options.Clustering, progress, cancellation);
        if (output is not null)
        {
            items.WriteWithLabels(output, result.Labels, TableClustering.ClusterColumn);
        }
        return new TextClusteringResult(path, items.Items, result);
    }
}
