namespace IccEngine.Core;

/// <summary>The operations around choosing in plain loops, and sorting where fast code searches.</summary>
internal static class ReferenceSampling
{
    public static void Sample(
        Tensor logits, AllowedIds allowed, in SamplingOptions options, ReadOnlySpan<double> uniforms, Span<int> chosen,
        Span<double> logProbabilities)
    {
        ExpectSampling.Sample(logits, allowed, options, uniforms, chosen, logProbabilities);
        for (var row = 0; row < logits.Shape[0]; row++)
        {
            var (ids, x) = Row(logits, row, allowed.Of(row));
            var max = x.Max();
            var place = options.IsGreedy ? Array.IndexOf(x, max) : Draw(x, max, options, uniforms[row]);
            chosen[row] = ids[place];
            if (!logProbabilities.IsEmpty)
            {
                logProbabilities[row] = TokenWeights.LogProbability(x[place], max, Sum(x, max));
            }
        }
    }

    public static void LogProbabilities(Tensor logits, AllowedIds ids, bool amongIds, Span<double> logProbabilities)
    {
        ExpectSampling.LogProbabilities(logits, ids, logProbabilities);
        var next = 0;
        for (var row = 0; row < logits.Shape[0]; row++)
        {
            var all = Row(logits, row, amongIds ? ids.Of(row) : default).Values;
            var max = all.Max();
            foreach (var x in Row(logits, row, ids.Of(row)).Values)
            {
                logProbabilities[next++] = TokenWeights.LogProbability(x, max, Sum(all, max));
            }
        }
    }

    public static void NearestCentre(Tensor points, Tensor centres, Span<int> labels, Span<double> squared)
    {
        ExpectSampling.NearestCentre(points, centres, labels, squared);
        var (x, c) = (new Reals(points, nameof(points)), new Reals(centres, nameof(centres)));
        var (d, n, count) = (points.Shape[0], points.Shape[1], centres.Shape[1]);
        for (var place = 0; place < labels.Length; place++)
        {
            var (set, i) = (place / n, place % n);
            (labels[place], squared[place]) = (0, double.PositiveInfinity);
            for (var k = 0; k < count; k++)
            {
                var sum = 0.0;
                for (var j = 0; j < d; j++)
                {
                    var difference = x[(long)j * n + i] - c[((long)set * count + k) * d + j];
                    sum += difference * difference;
                }
                (labels[place], squared[place]) = sum < squared[place] ? (k, sum) : (labels[place], squared[place]);
            }
        }
    }

    private static (int[] Ids, double[] Values) Row(Tensor logits, int row, ReadOnlySpan<int> allowed)
    {
        var vocabulary = logits.Shape[1];
        var x = new Reals(logits, nameof(logits));
        int[] ids = allowed.IsEmpty ? [.. Enumerable.Range(0, vocabulary)] : allowed.ToArray();
        return (ids, Array.ConvertAll(ids, id => TokenWeights.Value(x[(long)row * vocabulary + id])));
    }

    private static ulong Sum(double[] x, double max)
    {
        var sum = 0ul;
        foreach (var value in x)
        {
            sum += TokenWeights.Weight(TokenWeights.Share(value, max, 1));
        }
        return sum;
    }

    private static int Draw(double[] x, double max, SamplingOptions options, double uniform)
    {
        var shares = Array.ConvertAll(x, value => TokenWeights.Share(value, max, options.Temperature));
        var weights = Array.ConvertAll(shares, TokenWeights.Weight);
        int[] kept = [.. Enumerable.Range(0, x.Length)];
        if (options.TopK > 0 && options.TopK < x.Length)
        {
            var least = x.OrderDescending().ElementAt(options.TopK - 1);
            kept = [.. kept.Where(i => x[i] >= least)];
        }
        if (options.TopP < 1)
        {
            var target = TokenWeights.TopPTarget(options.TopP, kept.Aggregate(0ul, (sum, i) => sum + weights[i]));
            var likelier = 0ul;
            var stay = new List<int>();
            foreach (var equals in kept.GroupBy(i => x[i]).OrderByDescending(g => g.Key).TakeWhile(_ => likelier < target))
            {
                stay.AddRange(equals);
                likelier += equals.Aggregate(0ul, (sum, i) => sum + weights[i]);
            }
            kept = [.. stay.Order()];
        }
        kept = [.. kept.Where(i => shares[i] >= options.MinP)];
        var drawn = TokenWeights.Drawn(uniform, kept.Aggregate(0ul, (sum, i) => sum + weights[i]));
        var before = 0ul;
        return kept.First(i => (before += weights[i]) > drawn);
    }
}
