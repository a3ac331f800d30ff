using System.Numerics.Tensors;
using BenchmarkDotNet.Attributes;
using IccEngine.Core;
using Tensor = IccEngine.Core.Tensor;

namespace IccEngine.Benchmarks;

/// <summary>What Lanczos is made of, at 1000 points in float64: the product with the matrix, and the orthogonalisation against 20 vectors.</summary>
public class AffinityBenchmarks
{
    private const int Points = 1000;
    private const int Basis = 20;
    private readonly Operands _operands = new();
    private readonly double[] _parts = new double[Basis];
    private readonly double[] _matrix = new double[Points * Points];
    private readonly double[] _x = new double[Points];
    private readonly double[] _y = new double[Points];
    private (Tensor Cpu, Tensor Reference) _a;
    private (Tensor Cpu, Tensor Reference) _vector;
    private (Tensor Cpu, Tensor Reference) _product;
    private (Tensor Cpu, Tensor Reference) _basis;

    /// <summary>Makes the operands.</summary>
    [GlobalSetup]
    public void Setup()
    {
        for (var i = 0; i < Points; i++)
        {
            _x[i] = Math.Sin(i);
            for (var j = 0; j < Points; j++)
            {
                _matrix[i * Points + j] = Math.Cos(i) * Math.Cos(j);
            }
        }
        // Rows of the identity.
        var basis = new double[Basis * Points];
        for (var i = 0; i < Basis; i++)
        {
            basis[i * Points + i] = 1;
        }
        (_a, _vector) = (Both(_matrix, new Shape(Points, Points)), Both(_x, new Shape(Points)));
        (_product, _basis) = (Both(_y, new Shape(Points)), Both(basis, new Shape(Basis, Points)));
    }

    /// <summary>Product, the SIMD kernel.</summary>
    [Benchmark]
    public void ProductCpu() => _operands.Cpu.SymmetricProduct(_a.Cpu, _vector.Cpu, _product.Cpu);

    /// <summary>Product, the naive twin.</summary>
    [Benchmark]
    public void ProductReference() => _operands.Reference.SymmetricProduct(_a.Reference, _vector.Reference, _product.Reference);

    /// <summary>Product by TensorPrimitives.Dot, one core.</summary>
    [Benchmark]
    public void ProductTensorsLibrary()
    {
        for (var row = 0; row < Points; row++)
        {
            _y[row] = TensorPrimitives.Dot<double>(_matrix.AsSpan(row * Points, Points), _x);
        }
    }

    /// <summary>Orthogonalisation, the SIMD kernel.</summary>
    [Benchmark]
    public double OrthonormaliseCpu() => _operands.Cpu.Orthonormalise(_basis.Cpu, _vector.Cpu, _parts);

    /// <summary>Orthogonalisation, the naive twin.</summary>
    [Benchmark]
    public double OrthonormaliseReference() => _operands.Reference.Orthonormalise(_basis.Reference, _vector.Reference, _parts);

    /// <summary>Gives the backends back.</summary>
    [GlobalCleanup]
    public void Cleanup() => _operands.Dispose();

    private (Tensor Cpu, Tensor Reference) Both(double[] values, Shape shape)
    {
        Tensor On(IBackend backend)
        {
            var tensor = backend.Allocate(shape, DType.F64);
            backend.Write(values, tensor);
            return tensor;
        }
        return (On(_operands.Cpu), On(_operands.Reference));
    }
}
