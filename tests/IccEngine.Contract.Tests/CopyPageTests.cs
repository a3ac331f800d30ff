using IccEngine.Core;
using IccEngine.Testing;
using Xunit;

namespace IccEngine.Contract.Tests;

/// <summary>A page that is copied reads as the one it was copied from, in every layer, and is another one from then on.</summary>
public class CopyPageTests
{
    private const int Tokens = 20; // a page and a part of one
    private const int HeadDim = 18;
    private static readonly KvShape _shape = new(3, 2, HeadDim, 16, 5);

    [SkippableTheory]
    [MemberData(nameof(Subjects.All), MemberType = typeof(Subjects))]
    public void ACopyIsAPageOfItsOwn(string name)
    {
        using var backend = Subjects.Create(name);
        Check(backend);
    }

    [SkippableTheory]
    [MemberData(nameof(Names))]
    public void InBFloat16Too(string name)
    {
        using var backend = TestBackends.CreateCuda(name, DType.BF16);
        Check(backend);
    }

    [SkippableFact]
    public void PagesMayBeCopiedBeforeTheirTokensAreStored()
    {
        using var machine = new PretendedMachine();
        machine.Pretend("lazy", 1);
        using var backend = machine.Open();
        Check(backend);
        using var cache = backend.CreateKvCache(_shape);
        backend.CopyPage(cache, 4, 2); // neither has memory
        Check(backend);
    }

    public static TheoryData<string> Names => [.. Subjects.CudaNames];

    private static void Check(IBackend backend)
    {
        using var cache = backend.CreateKvCache(_shape);
        var (cos, sin) = (backend.Allocate(new Shape(Tokens, HeadDim / 2)), backend.Allocate(new Shape(Tokens, HeadDim / 2)));
        backend.Write(Enumerable.Repeat(1f, Tokens * HeadDim / 2).ToArray(), cos);
        for (var layer = 0; layer < _shape.Layers; layer++)
        {
            var (query, key, value) = (Random(backend, Tokens, 0), Random(backend, Tokens, 1 + layer), Random(backend, Tokens, 11 + layer));
            backend.RotateAndStore(query, key, value, cos, sin, cache, layer, [new SequenceRows(0, Tokens, 0, new[] { 0, 1 })]);
        }
        backend.CopyPage(cache, 1, 3);
        for (var layer = 0; layer < _shape.Layers; layer++)
        {
            Assert.Equal(Attend(backend, cache, layer, 1), Attend(backend, cache, layer, 3));
        }
        var before = Attend(backend, cache, 1, 1);
        var (last, lastKey, lastValue) = (Random(backend, 1, 21), Random(backend, 1, 22), Random(backend, 1, 23));
        backend.RotateAndStore(last, lastKey, lastValue, cos.Rows(0, 1), sin.Rows(0, 1), cache, 1, [new SequenceRows(0, 1, Tokens - 1, new[] { 0, 3 })]);
        Assert.Equal(before, Attend(backend, cache, 1, 1));
        Assert.NotEqual(before, Attend(backend, cache, 1, 3));
    }

    private static Tensor Random(IBackend backend, int tokens, int seed) =>
        Data.Tensor(backend, Data.Uniform(tokens * 2 * HeadDim, seed), new Shape(tokens, 2, HeadDim));

    private static double[] Attend(IBackend backend, KvCache cache, int layer, int second)
    {
        var query = Data.Tensor(backend, Data.Uniform(4 * HeadDim, 7), new Shape(1, 4, HeadDim));
        var output = backend.Allocate(query.Shape);
        backend.Attention(new AttentionCall
        {
            Query = query,
            Cache = cache,
            Layer = layer,
            Sequences = new[] { new SequenceRows(0, 1, Tokens - 1, new[] { 0, second }) },
            Mask = new(true, null),
            Scale = 1,
            Output = output,
        });
        return Data.Read(backend, output);
    }
}
