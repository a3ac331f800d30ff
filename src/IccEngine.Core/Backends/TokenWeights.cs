namespace IccEngine.Core;

/// <summary>
/// Softmax in whole numbers: a token weighs 2^40 exp((x - max) / temperature), rounded. Sums of whole numbers do not depend on their
/// order, and the exponential is made of operations that every device rounds alike; so equal logits give equal tokens everywhere.
/// What is less likely than the likeliest token by 2^-41 weighs nothing. sample.cu has the same.
/// </summary>
internal static class TokenWeights
{
    /// <summary>Largest vocabulary: the weights of all tokens must fit 64 bits.</summary>
    public const int MaxVocabulary = 1 << 23;

    /// <summary>Weight of the likeliest token.</summary>
    public const double One = 1L << 40;

    /// <summary>Below this exponent a token weighs nothing.</summary>
    private const double LeastExponent = -28.5;

    /// <summary>1 / n! from n = 13 down to 0: on |r| below ln(2) / 2 the series is exact to the last place of float64.</summary>
    private static ReadOnlySpan<double> Series =>
    [
        1.0 / 6227020800, 1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880, 1.0 / 40320, 1.0 / 5040, 1.0 / 720, 1.0 / 120,
        1.0 / 24, 1.0 / 6, 0.5, 1, 1,
    ];

    /// <summary>A logit as it is compared: NaN counts as minus infinity.</summary>
    public static double Value(double logit) => double.IsNaN(logit) ? double.NegativeInfinity : logit;

    /// <summary>exp((x - max) / temperature): the probability relative to that of the likeliest token, 0 to 1.</summary>
    public static double Share(double x, double max, double temperature)
    {
        if (x == max)
        {
            return 1;
        }
        var exponent = (x - max) / temperature;
        return exponent >= LeastExponent ? Exponential(exponent) : 0;
    }

    /// <summary>The weight of a share.</summary>
    public static ulong Weight(double share) => (ulong)Math.FusedMultiplyAdd(share, One, 0.5);

    /// <summary>Weight that the likelier tokens must have together for a token to go under top p: at least 1, at most all.</summary>
    public static ulong TopPTarget(double topP, ulong total) => Math.Clamp((ulong)Math.Ceiling(topP * total), 1, total);

    /// <summary>The token is the first of which, with those before it, the weight is above this.</summary>
    public static ulong Drawn(double uniform, ulong total) => Math.Min(total - 1, (ulong)(uniform * total));

    /// <summary>Natural logarithm of the softmax.</summary>
    /// <param name="x">Logit.</param>
    /// <param name="max">The largest logit.</param>
    /// <param name="sum">Weights of all tokens at temperature 1.</param>
    public static double LogProbability(double x, double max, ulong sum) => (x == max ? 0 : x - max) - Math.Log(sum / One);

    private static double Exponential(double x)
    {
        var n = (int)Math.FusedMultiplyAdd(x, 1.4426950408889634, -0.5); // x is not positive: cutting off rounds x / ln 2
        var r = Math.FusedMultiplyAdd(n, -0.6931471803691238, x);
        r = Math.FusedMultiplyAdd(n, -1.9082149292705877e-10, r);
        var y = Series[0];
        foreach (var coefficient in Series[1..])
        {
            y = Math.FusedMultiplyAdd(y, r, coefficient);
        }
        return y * BitConverter.UInt64BitsToDouble((ulong)(n + 1023) << 52);
    }
}
