using IccEngine.Core;

namespace IccEngine;

/// <summary>
/// Results as a page of one HTML file that needs nothing else: drawings, the attention map, tables. It is there whole or not at all, and loads
/// nothing; what comes from files cannot become markup in it.
/// </summary>
public static class HtmlReport
{
    /// <summary>Checks, before long work, that a page can be written there.</summary>
    /// <param name="path">The file that is going to be written.</param>
    /// <exception cref="IccFormatException">Its folder does not exist, or it is a folder itself.</exception>
    public static void CheckPlace(string path) => AtomicFile.CheckPlace(path);

    /// <summary>Writes the page of a clustered table; its map wants <see cref="ClusterOptions.ReturnMaps"/>.</summary>
    /// <param name="path">The file; its folder has to exist.</param>
    /// <param name="result">What was found.</param>
    /// <param name="by">What found it, for people: the model, and where it computed.</param>
    /// <exception cref="IccFormatException">The file cannot be written.</exception>
    public static void Write(string path, TableClusteringResult result, string by) => ClusterPage.Build(
        new ClusteredThings(result.Table.Path, result.Table.Rows, ("row", 1)) { Points = result.Points, Table = result.Table, Metrics = result.Metrics },
        result.Result, by).Write(path);

    /// <summary>Writes the page of clustered texts; its map wants <see cref="ClusterOptions.ReturnMaps"/>.</summary>
    /// <param name="path">The file; its folder has to exist.</param>
    /// <param name="result">What was found.</param>
    /// <param name="by">What found it, for people: the model, and where it computed.</param>
    /// <exception cref="IccFormatException">The file cannot be written.</exception>
    public static void Write(string path, TextClusteringResult result, string by) => ClusterPage.Build(
        new ClusteredThings(result.Path, result.Items.Count, ("item", 1)) { Items = result.Items }, result.Result, by).Write(path);

    /// <summary>Writes the page of a clustered affinity; its map wants <see cref="AffinityClusteringOptions.ReturnAffinity"/>.</summary>
    /// <param name="path">The file; its folder has to exist.</param>
    /// <param name="result">What was found.</param>
    /// <exception cref="IccFormatException">The file cannot be written.</exception>
    public static void Write(string path, AffinityClusteringResult result) => ClusterPage.Build(
        new ClusteredThings(result.File, result.Points, ("point", 0)), result.Result, $"{result.Tensor}; {result.Device}").Write(path);

    /// <summary>Writes the page of an evaluation.</summary>
    /// <param name="path">The file; its folder has to exist.</param>
    /// <param name="result">What was found.</param>
    /// <exception cref="IccFormatException">The file cannot be written.</exception>
    public static void Write(string path, EvaluationResult result) => EvaluationPage.Build(result).Write(path);
}
