using IccEngine.Core;

namespace IccEngine.InContext;

/// <summary>
/// The paper's prompt, byte for byte: a system message, and a user message with the points as numpy prints them
/// (arXiv 2510.08466). Where numpy summarises more than 1000 numbers, only the printed points have a range.
/// </summary>
public sealed class PaperPrompt
{
    private PaperPrompt(string user, IReadOnlyList<(int Start, int End)> points, IReadOnlyList<int> pointIndices)
    {
        User = user;
        Points = points;
        PointIndices = pointIndices;
    }

    /// <summary>The system message.</summary>
    public string System => "You are a data clustering expert.";

    /// <summary>Writes the prompt for points.</summary>
    /// <param name="points">The points, row by row: [n, d].</param>
    /// <param name="count">The number of points, n.</param>
    /// <param name="features">The number of features, d.</param>
    /// <param name="clusters">The number of clusters to ask for, k; at least 1.</param>
    /// <param name="summarise">Whether to summarise more than 1000 numbers as numpy does, which leaves out points; otherwise they are refused.</param>
    /// <exception cref="IccArgumentException">Numbers that do not fit the shape, k below 1, or more than 1000 numbers and no summary wanted.</exception>
    public static PaperPrompt Create(ReadOnlySpan<double> points, int count, int features, int clusters, bool summarise = false) =>
        Create(NumpyText.Format(points, [count, features], summarise), clusters);

    /// <summary>Writes the prompt for an array that is printed already.</summary>
    /// <param name="data">The points.</param>
    /// <param name="clusters">The number of clusters to ask for, k; at least 1.</param>
    /// <exception cref="IccArgumentException">k below 1.</exception>
    public static PaperPrompt Create(NumpyText data, int clusters)
    {
        ArgumentNullException.ThrowIfNull(data);
        if (clusters < 1)
        {
            throw new IccArgumentException($"the number of clusters must be at least 1, found {clusters}");
        }
        var head = $"Cluster the following data into {clusters} clusters. Only output the cluster labels for each point as a list of integers. No code. Data: \n";
        return new PaperPrompt($"{head}{data.Text}\nLabels:", [.. data.Rows.Select(r => (r.Start + head.Length, r.End + head.Length))], data.RowIndices);
    }

    /// <summary>The user message.</summary>
    public string User { get; }

    /// <summary>
    /// Where every printed point stands in <see cref="User"/>, in UTF-16 units, half-open: from its "[" to before the next point's "["; the
    /// first begins with the outer "[", which tokenizers join to the inner one, and the last goes through "]]".
    /// </summary>
    public IReadOnlyList<(int Start, int End)> Points { get; }

    /// <summary>The point behind every entry of <see cref="Points"/>: 0, 1, 2, ..., with a gap where numpy summarised.</summary>
    public IReadOnlyList<int> PointIndices { get; }
}
