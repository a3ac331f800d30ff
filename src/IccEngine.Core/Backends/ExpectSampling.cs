namespace IccEngine.Core;

/// <summary>What a caller of the operations around choosing may get wrong.</summary>
internal static class ExpectSampling
{
    /// <summary>The arguments of <see cref="IBackend.Sample"/>.</summary>
    public static void Sample(
        Tensor logits, AllowedIds allowed, in SamplingOptions options, ReadOnlySpan<double> uniforms, Span<int> chosen,
        Span<double> logProbabilities)
    {
        Logits(logits);
        var rows = logits.Shape[0];
        Ids(allowed, rows, logits.Shape[1], nameof(allowed));
        if (options.Problem() is { } problem)
        {
            throw new ArgumentException(problem, nameof(options));
        }
        Expect.That(chosen.Length >= rows, nameof(chosen), chosen.Length, $"room for {rows} rows");
        Expect.That(
            logProbabilities.IsEmpty || logProbabilities.Length >= rows, nameof(logProbabilities), logProbabilities.Length, $"room for {rows} rows");
        Expect.That(options.IsGreedy || uniforms.Length >= rows, nameof(uniforms), uniforms.Length, $"one for each of {rows} rows");
        foreach (var uniform in options.IsGreedy ? default : uniforms)
        {
            Expect.That(uniform is >= 0 and < 1, nameof(uniforms), uniform, "numbers in [0, 1)");
        }
    }

    /// <summary>The arguments of <see cref="IBackend.LogProbabilities"/>; returns how many ids there are.</summary>
    public static int LogProbabilities(Tensor logits, AllowedIds ids, Span<double> logProbabilities)
    {
        Logits(logits);
        Expect.That(!ids.Ids.IsEmpty, nameof(ids), "empty", "at least one id");
        Ids(ids, logits.Shape[0], logits.Shape[1], nameof(ids));
        var count = ids.Ends.IsEmpty ? checked(logits.Shape[0] * ids.Ids.Length) : ids.Ids.Length;
        Expect.That(logProbabilities.Length >= count, nameof(logProbabilities), logProbabilities.Length, $"room for {count}");
        return count;
    }

    /// <summary>The arguments of <see cref="IBackend.NearestCentre"/>.</summary>
    public static void NearestCentre(Tensor points, Tensor centres, Span<int> labels, Span<double> squared)
    {
        ExpectAffinity.Real(points, nameof(points));
        ExpectAffinity.Real(centres, nameof(centres));
        Expect.That(points.Shape.Rank == 2 && points.DType == DType.F64, nameof(points), $"{points.DType} {points.Shape}", "F64 [d, n]");
        var (d, n) = (points.Shape[0], points.Shape[1]);
        Expect.That(
            centres.DType == DType.F64 && centres.Shape.Rank == 3 && centres.Shape[1] > 0 && centres.Shape[2] == d, nameof(centres),
            $"{centres.DType} {centres.Shape}", $"F64 [sets, k, {d}]");
        var count = (long)centres.Shape[0] * n;
        Expect.That(labels.Length == count, nameof(labels), labels.Length, count);
        Expect.That(squared.Length == count, nameof(squared), squared.Length, count);
    }

    private static void Logits(Tensor logits) =>
        Expect.That(
            !logits.IsEmpty && logits.Shape.Rank == 2 && logits.Shape[1] is > 0 and <= TokenWeights.MaxVocabulary, nameof(logits),
            logits.Shape, $"[rows, vocabulary up to {TokenWeights.MaxVocabulary}]");

    private static void Ids(AllowedIds allowed, int rows, int vocabulary, string name)
    {
        Expect.That(allowed.Ends.IsEmpty || allowed.Ends.Length == rows, name, allowed.Ends.Length, $"the ends of {rows} rows");
        var start = 0;
        foreach (var end in allowed.Ends)
        {
            Expect.That(end > start && end <= allowed.Ids.Length, name, end, $"an end beyond {start}, at most {allowed.Ids.Length}");
            start = end;
        }
        for (var row = 0; row < (allowed.Ends.IsEmpty ? Math.Min(1, rows) : rows); row++)
        {
            var before = -1;
            foreach (var id in allowed.Of(row))
            {
                Expect.That(id > before && id < vocabulary, name, id, $"ascending ids below {vocabulary}");
                before = id;
            }
        }
    }
}
