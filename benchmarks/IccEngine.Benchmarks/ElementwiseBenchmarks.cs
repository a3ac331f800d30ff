using System.Numerics.Tensors;
using BenchmarkDotNet.Attributes;
using IccEngine.Core;
using Tensor = IccEngine.Core.Tensor;

namespace IccEngine.Benchmarks;

/// <summary>RMSNorm, the gated activation and the arg-max over 512 rows of 2048.</summary>
public class ElementwiseBenchmarks
{
    private const int Rows = 512;
    private const int Size = 2048;
    private const float Epsilon = 1e-5f;
    private readonly Operands _operands = new();
    private readonly int[] _best = new int[Rows];
    private float[] _x = []; // [Rows, Size]
    private float[] _up = []; // [Rows, Size]
    private float[] _weights = []; // [Size]
    private float[] _y = []; // [Rows, Size]
    private (Tensor Cpu, Tensor Reference) _input;
    private (Tensor Cpu, Tensor Reference) _second;
    private (Tensor Cpu, Tensor Reference) _output;
    private (Weight Cpu, Weight Reference) _weight;

    /// <summary>Makes the operands.</summary>
    [GlobalSetup]
    public void Setup()
    {
        (_x, _up, _weights, _y) = (_operands.Numbers(Rows * Size), _operands.Numbers(Rows * Size), _operands.Numbers(Size), new float[Rows * Size]);
        var shape = new Shape(Rows, Size);
        (_input, _second, _output) = (_operands.Tensors(_x, shape), _operands.Tensors(_up, shape), _operands.Tensors(_y, shape));
        _weight = _operands.Weights(_weights, Size);
    }

    /// <summary>RMSNorm, the SIMD kernel.</summary>
    [Benchmark]
    public void RmsNormCpu() => _operands.Cpu.RmsNorm(_input.Cpu, _weight.Cpu, Epsilon, _output.Cpu);

    /// <summary>RMSNorm, the naive twin.</summary>
    [Benchmark]
    public void RmsNormReference() => _operands.Reference.RmsNorm(_input.Reference, _weight.Reference, Epsilon, _output.Reference);

    /// <summary>RMSNorm by TensorPrimitives: a sum of squares and two products a row.</summary>
    [Benchmark]
    public void RmsNormTensorsLibrary()
    {
        for (var row = 0; row < Rows; row++)
        {
            var x = _x.AsSpan(row * Size, Size);
            var y = _y.AsSpan(row * Size, Size);
            TensorPrimitives.Multiply(x, 1 / MathF.Sqrt(TensorPrimitives.SumOfSquares<float>(x) / Size + Epsilon), y);
            TensorPrimitives.Multiply(y, _weights, y);
        }
    }

    /// <summary>silu(gate) * up, the SIMD kernel.</summary>
    [Benchmark]
    public void SiluCpu() => _operands.Cpu.SiluMultiply(_input.Cpu, _second.Cpu, _output.Cpu);

    /// <summary>silu(gate) * up, the naive twin.</summary>
    [Benchmark]
    public void SiluReference() => _operands.Reference.SiluMultiply(_input.Reference, _second.Reference, _output.Reference);

    /// <summary>silu(gate) * up by TensorPrimitives: sigmoid and two products.</summary>
    [Benchmark]
    public void SiluTensorsLibrary()
    {
        TensorPrimitives.Sigmoid<float>(_x, _y);
        TensorPrimitives.Multiply(_y, _x, _y);
        TensorPrimitives.Multiply(_y, _up, _y);
    }

    /// <summary>Arg-max of every row, the SIMD kernel.</summary>
    [Benchmark]
    public void ArgMaxCpu() => _operands.Cpu.Sample(_input.Cpu, default, SamplingOptions.Greedy, [], _best, []);

    /// <summary>Arg-max of every row, the naive twin.</summary>
    [Benchmark]
    public void ArgMaxReference() => _operands.Reference.Sample(_input.Reference, default, SamplingOptions.Greedy, [], _best, []);

    /// <summary>Arg-max of every row by TensorPrimitives.</summary>
    [Benchmark]
    public int ArgMaxTensorsLibrary()
    {
        var sum = 0;
        for (var row = 0; row < Rows; row++)
        {
            sum += TensorPrimitives.IndexOfMax<float>(_x.AsSpan(row * Size, Size));
        }
        return sum;
    }

    /// <summary>Gives the backends back.</summary>
    [GlobalCleanup]
    public void Cleanup() => _operands.Dispose();
}
