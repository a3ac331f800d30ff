using IccEngine.Core;
using IccEngine.Cpu;

namespace IccEngine.Benchmarks;

/// <summary>The fast backend, its naive twin, and the same numbers on both and on the host.</summary>
public sealed class Operands : IDisposable
{
    private readonly Random _random = new(7);

    /// <summary>The SIMD backend, all cores.</summary>
    public IBackend Cpu { get; } = new CpuBackend();

    /// <summary>The naive twin.</summary>
    public IBackend Reference { get; } = new ReferenceBackend<float>();

    /// <summary>Uniform numbers in [-1, 1).</summary>
    public float[] Numbers(long count)
    {
        var values = new float[count];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = 2 * _random.NextSingle() - 1;
        }
        return values;
    }

    /// <summary>A tensor of each backend with these numbers.</summary>
    public (Tensor Cpu, Tensor Reference) Tensors(float[] values, Shape shape)
    {
        Tensor On(IBackend backend)
        {
            var tensor = backend.Allocate(shape);
            backend.Write(values, tensor);
            return tensor;
        }
        return (On(Cpu), On(Reference));
    }

    /// <summary>A weight of each backend with these numbers.</summary>
    public (Weight Cpu, Weight Reference) Weights(float[] values, params long[] extents)
    {
        var source = HostTensor.FromArray("weight", values, extents);
        return (Cpu.LoadWeight(source), Reference.LoadWeight(source));
    }

    /// <summary>Gives the backends back; the tensors go with the process.</summary>
    public void Dispose()
    {
        Cpu.Dispose();
        Reference.Dispose();
    }
}
