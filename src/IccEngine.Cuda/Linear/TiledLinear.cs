using System.Runtime.InteropServices;
using IccEngine.Core;

namespace IccEngine.Cuda;

/// <summary>struct Linear of kernels/linear_tiles.h.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct TiledLinear
{
    /// <summary>x as sums of bfloat16 [terms, rows, inputs].</summary>
    public ulong X;

    /// <summary>The weight likewise [terms, outputs, inputs].</summary>
    public ulong Weight;

    /// <summary>[outputs], or 0.</summary>
    public ulong Bias;

    /// <summary>[rows, outputs], rows <see cref="Stride"/> apart.</summary>
    public ulong Y;

    public int Rows, Inputs, Outputs, Stride;

    /// <summary>How many pairs of terms are multiplied, and which: see <see cref="TermPairs"/>.</summary>
    public int Pairs;

    public uint Order;
    public float Scale;
    public int Accumulate;
}

/// <summary>Which terms of x and of the weight are multiplied with each other.</summary>
/// <param name="XTerms">Terms of x.</param>
/// <param name="WeightTerms">Terms of the weight.</param>
/// <param name="Pairs">(term of x, term of the weight), those of small products first.</param>
internal sealed record TermPairs(int XTerms, int WeightTerms, params (int X, int Weight)[] Pairs)
{
    /// <summary>Both rounded to bfloat16.</summary>
    public static readonly TermPairs Rounded = new(1, 1, (0, 0));

    // Term t is below 2^-(8 t - 1) of the number. Products below 2^-22 of the whole, 2^-24 in the mean, are left out: they are what a
    // float32 product loses to rounding. Those with a weight of bfloat16 are all there.
    private static readonly TermPairs OfBFloat16 = new(3, 1, (2, 0), (1, 0), (0, 0));
    private static readonly TermPairs OfFloat16 = new(3, 2, (2, 0), (1, 1), (1, 0), (0, 1), (0, 0));
    private static readonly TermPairs OfFloat32 = new(3, 3, (2, 0), (1, 1), (0, 2), (1, 0), (0, 1), (0, 0));

    /// <summary>As the kernels read them: four bits a pair, x's term in the lower two.</summary>
    public uint Order => Pairs.Select((p, i) => (uint)(p.X | p.Weight << 2) << 4 * i).Aggregate((a, b) => a | b);

    /// <summary>What gives products of float32.</summary>
    public static TermPairs Exact(DType weight) => weight switch { DType.BF16 => OfBFloat16, DType.F16 => OfFloat16, _ => OfFloat32 };
}
