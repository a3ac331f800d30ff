namespace IccEngine.InContext;

/// <summary>Names of clusters.</summary>
public static class LabelOrder
{
    /// <summary>The same partition, with clusters numbered by their first point; a negative label (noise) stays.</summary>
    public static int[] ByFirstAppearance(ReadOnlySpan<int> labels)
    {
        var names = new Dictionary<int, int>();
        var renamed = new int[labels.Length];
        for (var i = 0; i < labels.Length; i++)
        {
            if (labels[i] < 0)
            {
                renamed[i] = labels[i];
                continue;
            }
            if (!names.TryGetValue(labels[i], out var name))
            {
                names[labels[i]] = name = names.Count;
            }
            renamed[i] = name;
        }
        return renamed;
    }
}
