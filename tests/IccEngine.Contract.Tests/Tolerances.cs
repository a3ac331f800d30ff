using IccEngine.Core;

namespace IccEngine.Contract.Tests;

/// <summary>Allowed difference to the float64 twin: |x - reference| &lt;= Absolute + Relative * |reference|.</summary>
public readonly record struct Tolerance(double Absolute, double Relative);

/// <summary>
/// The one table of tolerances of the contract tests. float32 has a rounding error of 6e-8 relative; "eps" below. An entry is only
/// ever made tighter.
/// </summary>
public static class Tolerances
{
    /// <summary>Copies, widening of weights, selections: nothing is computed, so nothing may differ.</summary>
    public static readonly Tolerance Exact = new(0, 0);

    /// <summary>One addition of float32.</summary>
    public static readonly Tolerance Add = new(1e-30, 6.0e-8);

    /// <summary>Inputs are within [-1, 1] and rows of the weight have norm 1: a sum of up to 2200 products of at most 1 / sqrt(n), in at worst one chain of 2048.</summary>
    public static readonly Tolerance Linear = new(3e-6, 2e-6);

    /// <summary>As <see cref="Linear"/>; a float64 weight is rounded to float32 first, one eps for each product.</summary>
    public static readonly Tolerance LinearOfFloat64 = new(4e-6, 2e-6);

    /// <summary>A mean of squares (all terms positive: a few eps), a root, two products.</summary>
    public static readonly Tolerance RmsNorm = new(1e-30, 1e-6);

    /// <summary>Two products and a sum of numbers within [-1, 1], which may cancel.</summary>
    public static readonly Tolerance Rotate = new(2e-7, 1e-7);

    /// <summary>An exponential of 2 eps, three roundings; the exponent's error counts absolutely for large negative x, where silu is near 0.</summary>
    public static readonly Tolerance SiluMultiply = new(1e-30, 8e-7);

    /// <summary>Probabilities and their means, |score| below 20: an error of 20 eps times a few in the exponent, times p (1 - p) / 1 at most 1/4 (taps.md).</summary>
    public static readonly Tolerance Probabilities = new(1e-6, 0);

    /// <summary>As <see cref="Probabilities"/> beyond |score| = 20 (taps.md).</summary>
    public static readonly Tolerance SharpProbabilities = new(5e-5, 0);

    /// <summary>Values within [-1, 1] weighted by <see cref="Probabilities"/>: the errors of some keys add up.</summary>
    public static readonly Tolerance Attention = new(4e-6, 0);

    /// <summary>Values within [-1, 1] weighted by <see cref="SharpProbabilities"/>.</summary>
    public static readonly Tolerance SharpAttention = new(2e-4, 0);

    /// <summary>
    /// Attention on tensor cores, against the twin on queries, keys and values that are rounded as they are: what is left is the rounding
    /// of each weight to bfloat16. That is up to 2^-8 of a weight, 2^-9 in absolute terms, as the largest is 1: both ways and for many keys it
    /// cancels, and 2^-9 of values within [-1, 1] is what is allowed, beside <see cref="Attention"/>.
    /// </summary>
    public static readonly Tolerance RoundedAttention = new(4e-6 + 1.0 / 512, 0);

    /// <summary>
    /// Taps likewise: weights that are tapped are not rounded. Tensor cores cut off where float32 rounds, at most twice the error of
    /// <see cref="Probabilities"/>.
    /// </summary>
    public static readonly Tolerance RoundedProbabilities = new(2e-6, 0);

    /// <summary>As <see cref="RoundedProbabilities"/> beyond |score| = 20: twice <see cref="SharpProbabilities"/>.</summary>
    public static readonly Tolerance SharpRoundedProbabilities = new(1e-4, 0);

    /// <summary>Affinities: a sum of positive numbers, two divisions, a product; means of a few. All terms positive, so relative.</summary>
    public static Tolerance OfAffinity(DType matrix) => matrix == DType.F64 ? new(1e-30, 1e-14) : new(1e-30, 1e-6);

    /// <summary>
    /// Sums of up to 2100 products of numbers within [-1, 1], in at worst one chain of 350, and what is left of a vector beside up to 129
    /// others: 2000 eps absolutely.
    /// </summary>
    public static Tolerance OfDots(DType matrix) => matrix == DType.F64 ? new(2.2e-13, 1e-14) : new(1.2e-4, 1e-6);

    /// <summary>
    /// A sum whose products' magnitudes add up to <paramref name="magnitude"/>, both factors rounded to bfloat16, which has 8 bits: up
    /// to 2^-8 of each, of which half is allowed for sums, so 2^-8 and 2^-18 of a product, beside what the sum may be off itself.
    /// </summary>
    public static Tolerance Rounded(Tolerance sum, double magnitude) => sum with { Absolute = sum.Absolute + (1.0 / 256 + 1.0 / 262144) * magnitude };

    /// <summary>The linear layer by the type of its weight.</summary>
    public static Tolerance OfLinear(DType weight) => weight == DType.F64 ? LinearOfFloat64 : Linear;
}
