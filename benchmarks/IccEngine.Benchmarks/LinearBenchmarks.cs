using System.Numerics.Tensors;
using BenchmarkDotNet.Attributes;
using IccEngine.Core;
using Tensor = IccEngine.Core.Tensor;

namespace IccEngine.Benchmarks;

/// <summary>A linear layer [rows, 512] x [512, 512]; with System.Numerics.Tensors as a dot product for every output.</summary>
public class LinearBenchmarks
{
    private const int Size = 512;
    private readonly Operands _operands = new();
    private float[] _x = []; // [rows, Size]
    private float[] _w = []; // [Size, Size]
    private float[] _y = []; // [rows, Size]
    private (Tensor Cpu, Tensor Reference) _input;
    private (Tensor Cpu, Tensor Reference) _output;
    private (Weight Cpu, Weight Reference) _weight;

    /// <summary>Tokens.</summary>
    [Params(1, 64)]
    public int Rows { get; set; }

    /// <summary>Makes the operands.</summary>
    [GlobalSetup]
    public void Setup()
    {
        (_x, _w, _y) = (_operands.Numbers(Rows * Size), _operands.Numbers(Size * Size), new float[Rows * Size]);
        _input = _operands.Tensors(_x, new Shape(Rows, Size));
        _output = _operands.Tensors(_y, new Shape(Rows, Size));
        _weight = _operands.Weights(_w, Size, Size);
    }

    /// <summary>The SIMD kernel.</summary>
    [Benchmark(Baseline = true)]
    public void Cpu() => _operands.Cpu.Linear(_input.Cpu, _weight.Cpu, null, _output.Cpu);

    /// <summary>The naive twin.</summary>
    [Benchmark]
    public void Reference() => _operands.Reference.Linear(_input.Reference, _weight.Reference, null, _output.Reference);

    /// <summary>TensorPrimitives.Dot, one core.</summary>
    [Benchmark]
    public void TensorsLibrary()
    {
        for (var row = 0; row < Rows; row++)
        {
            var x = _x.AsSpan(row * Size, Size);
            for (var column = 0; column < Size; column++)
            {
                _y[row * Size + column] = TensorPrimitives.Dot<float>(x, _w.AsSpan(column * Size, Size));
            }
        }
    }

    /// <summary>Gives the backends back.</summary>
    [GlobalCleanup]
    public void Cleanup() => _operands.Dispose();
}
