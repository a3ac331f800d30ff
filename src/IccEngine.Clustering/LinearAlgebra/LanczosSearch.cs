using System.Numerics.Tensors;
using IccEngine.Core;
using Tensor = IccEngine.Core.Tensor;

namespace IccEngine.Clustering;

/// <summary>An approximate eigenpair.</summary>
internal sealed record RitzPair(double Value, double[] Vector, double Residual, bool Converged);

/// <summary>
/// Runs of the Lanczos process in the complement of a growing list of locked vectors. V holds the orthonormal basis, H = V' A V: tridiagonal
/// at first, after a restart an arrow (the kept Ritz values, coupled to the next vector) continued by a tridiagonal part. The locked
/// vectors and V lie on the backend, as the rows of one tensor.
/// </summary>
internal sealed class LanczosSearch(IBackend backend, Tensor matrix, List<double[]> locked, LanczosOptions options)
{
    /// <summary>A basis of this size seldom needs a restart, and its reorthogonalisation stays cheaper than the products.</summary>
    private const int UsualBasis = 160;

    private readonly SeededRandom _random = new(options.Seed);
    private readonly int _n = matrix.Shape[0];
    private readonly double _tolerance = options.Tolerance ?? (matrix.DType == DType.F32 ? 1e-6 : 1e-12);

    /// <summary>A new direction shorter than this, relative to the matrix, is rounding: the Krylov space is exhausted.</summary>
    private readonly double _negligible = matrix.DType == DType.F32 ? 1e-6 : 1e-14;
    private readonly long _maxProducts = options.MaxProducts > 0 ? options.MaxProducts : Math.Max(2000, 20L * matrix.Shape[0]);
    private double _scale = options.KnownValue;
    private int _size;
    private int _locked;
    private Tensor _basis; // [locked + size + 1, n]
    private double[] _h = [];
    private double _coupling;

    private enum Verdict { GoOn, Converged, Abandoned }

    /// <summary>Products taken so far, over all runs.</summary>
    public int Products { get; private set; }

    /// <summary>Whether a further run may start.</summary>
    public bool HasProductsLeft => Products < _maxProducts;

    /// <summary>Eigenvalues closer than this count as equal.</summary>
    public double Slack => _tolerance * _scale;

    /// <summary>
    /// The <paramref name="k"/> largest pairs of the complement; none, where <paramref name="abandon"/> says of the largest (value,
    /// residual) that it is of no interest.
    /// </summary>
    public List<RitzPair> Run(int k, Func<double, double, bool>? abandon)
    {
        var space = _n - locked.Count;
        _size = Math.Min(space, Math.Max(2 * k + 32, UsualBasis));
        _locked = locked.Count;
        _basis = backend.Allocate(new Shape(_locked + _size + 1, _n), matrix.DType);
        using var memory = _basis.Buffer;
        for (var i = 0; i < _locked; i++)
        {
            backend.Write(locked[i], _basis.Row(i));
        }
        _h = new double[_size * _size];
        RandomDirection(0);
        var (filled, until, restarted) = (0, Math.Min(_size, Math.Max(2 * k, 16)), false);
        var before = (Steps: 0, Excess: 0.0);
        while (true)
        {
            Extend(filled, until, space);
            filled = until;
            if (!restarted && filled < _size && HasProductsLeft)
            {
                var verdict = Glance(k, filled, abandon, out var excess);
                if (verdict == Verdict.Abandoned)
                {
                    return [];
                }
                if (verdict == Verdict.GoOn)
                {
                    until = Math.Min(_size, filled + StepsLeft(filled, excess, before));
                    before = (filled, excess);
                    continue;
                }
            }
            var (pairs, ritz) = RayleighRitz(k, filled, restarted);
            if (abandon is not null && abandon(pairs[0].Value, pairs[0].Residual))
            {
                return [];
            }
            if (pairs.TrueForAll(p => p.Converged) || !HasProductsLeft)
            {
                return pairs;
            }
            filled = Restart(k, ritz);
            (until, restarted) = (_size, true);
        }
    }

    /// <summary>Completes columns <paramref name="from"/> .. <paramref name="until"/> - 1 of H and finds the direction that follows.</summary>
    private void Extend(int from, int until, int space)
    {
        var parts = new double[_locked + _size];
        for (var j = from; j < until; j++)
        {
            backend.SymmetricProduct(matrix, Vector(j), Vector(j + 1));
            Products++;
            var before = _locked + j + 1;
            _coupling = backend.Orthonormalise(_basis.Rows(0, before), Vector(j + 1), parts.AsSpan(0, before));
            var alpha = parts[before - 1];
            _h[j * _size + j] = alpha;
            _scale = Math.Max(_scale, Math.Max(Math.Abs(alpha), _coupling));
            if (!double.IsFinite(_scale))
            {
                throw new IccArgumentException($"matrix product {Products}: found a value that is not finite, expected finite numbers");
            }
            if (j + 1 == space || _coupling <= _negligible * _scale)
            {
                _coupling = 0;
                if (j + 1 < space)
                {
                    RandomDirection(j + 1);
                }
            }
            if (j + 1 < _size)
            {
                _h[j * _size + j + 1] = _h[(j + 1) * _size + j] = _coupling;
            }
        }
    }

    /// <summary>
    /// Steps until the next look. Residuals fall about geometrically, in the end faster: where they will meet the tolerance is told from
    /// two looks, and gone to in parts, for a look costs as much as a few steps.
    /// </summary>
    private static int StepsLeft(int steps, double excess, (int Steps, double Excess) before)
    {
        var most = Math.Max(8, steps / 2);
        var rate = before.Steps == 0 ? 0 : (before.Excess - excess) / (steps - before.Steps);
        return rate <= 0 ? most : (int)Math.Clamp(Math.Ceiling(0.9 * excess / rate), 4, most);
    }

    /// <summary>The state of the k largest Ritz pairs of a tridiagonal H, from its eigenvalues and the last entries of its eigenvectors.</summary>
    /// <param name="k">Pairs looked at.</param>
    /// <param name="m">Rows of H.</param>
    /// <param name="abandon">As for <see cref="Run"/>.</param>
    /// <param name="excess">Logarithm of the largest residual by the tolerance; 0 or less where all are met.</param>
    private Verdict Glance(int k, int m, Func<double, double, bool>? abandon, out double excess)
    {
        excess = 0;
        var (d, e, last) = (Diagonal(m), OffDiagonal(m), new double[m]);
        last[^1] = 1;
        Tridiagonal.Solve(d, e, last, 1);
        Array.Sort(d, last);
        if (abandon is not null && abandon(d[^1], _coupling * Math.Abs(last[^1])))
        {
            return Verdict.Abandoned;
        }
        var largest = 0.0;
        for (var i = m - k; i < m; i++)
        {
            largest = Math.Max(largest, _coupling * Math.Abs(last[i]));
        }
        if (largest <= Slack)
        {
            return Verdict.Converged;
        }
        excess = Math.Log(largest / Slack);
        return Verdict.GoOn;
    }

    /// <summary>The eigenpairs of H, of which the first <paramref name="m"/> rows are filled: all of them, and it is an arrow, after a restart.</summary>
    private (List<RitzPair> Largest, EigenPairs All) RayleighRitz(int k, int m, bool restarted)
    {
        var ritz = restarted ? SymmetricEigen.Dense(_h, m) : Tridiagonal.Pairs(Diagonal(m), OffDiagonal(m));
        var basis = ReadBasis(m);
        var pairs = new List<RitzPair>(k);
        for (var i = m - 1; i >= m - k; i--)
        {
            var vector = Combine(basis, ritz.Vectors.AsSpan(i * m, m));
            Vectors.Orthogonalise(vector, locked, locked.Count);
            TensorPrimitives.Divide(vector, TensorPrimitives.Norm<double>(vector), vector);
            var residual = _coupling * Math.Abs(ritz.Vectors[i * m + m - 1]);
            pairs.Add(new RitzPair(ritz.Values[i], vector, residual, residual <= Slack));
        }
        return (pairs, ritz);
    }

    private double[] Diagonal(int m) => [.. Enumerable.Range(0, m).Select(i => _h[i * _size + i])];

    private double[] OffDiagonal(int m) => [.. Enumerable.Range(0, m).Select(i => i + 1 < m ? _h[i * _size + i + 1] : 0)];

    /// <summary>Starts the next cycle from the best Ritz vectors: somewhat more than wanted, for they speed up the wanted ones.</summary>
    private int Restart(int k, EigenPairs ritz)
    {
        var keep = k + (_size - k) / 4;
        var basis = ReadBasis(_size + 1);
        var h = new double[_size * _size];
        for (var i = 0; i < keep; i++)
        {
            var row = _size - 1 - i;
            backend.Write(Combine(basis, ritz.Vectors.AsSpan(row * _size, _size)), Vector(i));
            h[i * _size + i] = ritz.Values[row];
            h[i * _size + keep] = h[keep * _size + i] = _coupling * ritz.Vectors[row * _size + _size - 1];
        }
        backend.Write(basis.AsSpan(_size * _n, _n), Vector(keep));
        _h = h;
        return keep;
    }

    /// <summary>The first vectors of V, on the host [count, n].</summary>
    private double[] ReadBasis(int count)
    {
        var values = new double[count * _n];
        backend.Read(_basis.Rows(_locked, count), values);
        return values;
    }

    private double[] Combine(double[] basis, ReadOnlySpan<double> weights)
    {
        var sum = new double[_n];
        for (var j = 0; j < weights.Length; j++)
        {
            Vectors.AddScaled(basis.AsSpan(j * _n, _n), weights[j], sum);
        }
        return sum;
    }

    /// <summary>Vector j of V, where the backend has it.</summary>
    private Tensor Vector(int j) => _basis.Row(_locked + j);

    /// <summary>Makes vector j of V a random direction in the complement of the locked ones and of those before it.</summary>
    private void RandomDirection(int j)
    {
        var w = new double[_n];
        var parts = new double[_locked + j];
        for (var attempt = 0; attempt < 100; attempt++)
        {
            for (var i = 0; i < _n; i++)
            {
                w[i] = 2 * _random.NextDouble() - 1;
            }
            backend.Write(w, Vector(j));
            // Little left means mostly rounding; the complement is not empty, so another draw will do.
            if (backend.Orthonormalise(_basis.Rows(0, _locked + j), Vector(j), parts) > 1e-6 * TensorPrimitives.Norm<double>(w))
            {
                return;
            }
        }
        throw new IccArgumentException("known vectors: no direction is left beside them, expected orthonormal rows");
    }
}
