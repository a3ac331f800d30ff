namespace IccEngine.Clustering;

/// <summary>Where the iterates of queries ended at one temperature, heaviest place first.</summary>
/// <param name="PlaceOf">[m]: the place of each query.</param>
/// <param name="Places">[places, d] row-major.</param>
/// <param name="Mass">[places], descending: queries that ended there.</param>
/// <param name="Heavy">Places with at least as many queries as were asked for.</param>
/// <param name="H">The width of the attention.</param>
/// <param name="Layers">Layers that the slowest query took.</param>
internal sealed record QuantisedPoints(int[] PlaceOf, double[] Places, int[] Mass, int Heavy, double H, int Layers)
{
    /// <summary>Gathers answers [m, d]: each joins the first place within reach, or is a new one.</summary>
    public static QuantisedPoints Of(double[] answers, int m, int d, double h, double reach, int least, int layers)
    {
        var (place, first) = (new int[m], new List<int>());
        for (var q = 0; q < m; q++)
        {
            place[q] = first.FindIndex(p => Vectors.SquaredDistance(answers.AsSpan(p * d, d), answers.AsSpan(q * d, d)) <= reach * reach);
            if (place[q] < 0)
            {
                place[q] = first.Count;
                first.Add(q);
            }
        }
        var mass = new int[first.Count];
        Array.ForEach(place, p => mass[p]++);
        var order = Enumerable.Range(0, mass.Length).OrderByDescending(p => mass[p]).ToArray();
        var rank = new int[order.Length];
        for (var r = 0; r < order.Length; r++)
        {
            rank[order[r]] = r;
        }
        return new QuantisedPoints(
            Array.ConvertAll(place, p => rank[p]), [.. order.SelectMany(p => answers[(first[p] * d)..(first[p] * d + d)])],
            Array.ConvertAll(order, p => mass[p]), mass.Count(c => c >= least), h, layers);
    }
}
