using IccEngine.Core;
using IccEngine.Cpu;
using Xunit;

namespace IccEngine.Contract.Tests;

/// <summary>Mistakes of the caller are <see cref="ArgumentException"/> before anything is touched.</summary>
public sealed class ArgumentTests : IDisposable
{
    private IBackend _backend = new ReferenceBackend<float>(); // until a test names one
    private KvCache? _cache;

    public static TheoryData<string> Backends => [CpuBackend.Supported[^1].ToString(), .. Subjects.CudaNames];

    public void Dispose()
    {
        _cache?.Dispose();
        _backend.Dispose();
    }

    [SkippableTheory]
    [MemberData(nameof(Backends))]
    public void LinearAndNorm(string name)
    {
        Open(name);
        using var weight = _backend.LoadWeight(Data.Weight(DType.F32, 1, 1, 8, 4));
        using var vector = _backend.LoadWeight(Data.Weight(DType.F32, 1, 1, 8));
        Throws(() => _backend.Linear(New(3, 5), weight, null, New(3, 8)));
        Throws(() => _backend.Linear(New(3, 4), weight, null, New(3, 7)));
        Throws(() => _backend.Linear(New(3, 4), weight, null, New(2, 8)));
        Throws(() => _backend.Linear(New(3, 8), vector, null, New(3, 8)));
        Throws(() => _backend.Linear(New(3, 4), weight, weight, New(3, 8)));
        Throws(() => _backend.RmsNorm(New(3, 4), vector, 0, New(3, 4)));
        Throws(() => _backend.RmsNorm(New(3, 8), vector, 0, New(4, 8)));
        Throws(() => _backend.Embed(weight, [8], New(1, 4)));
        Throws(() => _backend.Embed(weight, [-1], New(1, 4)));
        Throws(() => _backend.Embed(weight, [0], New(2, 4)));
    }

    [SkippableTheory]
    [MemberData(nameof(Backends))]
    public void OtherBackendsObjects(string name)
    {
        Open(name);
        using var other = new ReferenceBackend<double>();
        using var weight = other.LoadWeight(Data.Weight(DType.F32, 1, 1, 4, 4));
        using var cache = other.CreateKvCache(new KvShape(1, 2, 16, 16, 4));
        Throws(() => _backend.Linear(New(3, 4), weight, null, New(3, 4)));
        Throws(() => _backend.SiluMultiply(New(3), other.Allocate(new Shape(3)), New(3)));
        Throws(() => _backend.Attention(Call() with { Cache = cache }));
        Throws(() => _backend.SiluMultiply(default, New(1), New(1)));
    }

    [SkippableTheory]
    [MemberData(nameof(Backends))]
    public void Elementwise(string name)
    {
        Open(name);
        Throws(() => _backend.SiluMultiply(New(3), New(4), New(3)));
        Throws(() => _backend.SiluMultiply(New(3), New(3), New(4)));
        Throws(() => _backend.Write(new float[3], New(4)));
        Throws(() => _backend.Read(New(4), new double[3]));
    }

    [SkippableTheory]
    [MemberData(nameof(Backends))]
    public void Attention(string name)
    {
        Open(name);
        _backend.Attention(Call());
        Throws(() => _backend.Attention(Call() with { Layer = 2 }));
        Throws(() => _backend.Attention(Call() with { Query = New(2, 3, 16) }));
        Throws(() => _backend.Attention(Call() with { Query = New(2, 4, 32) }));
        Throws(() => _backend.Attention(Call() with { Output = New(2, 2, 16) }));
        Throws(() => _backend.Attention(Call() with { Mask = new(false, 3) }));
        Throws(() => _backend.Attention(Call() with { Mask = new(true, 0) }));
        Throws(() => _backend.Attention(Call(new SequenceRows(1, 2, 0, new[] { 0 }))));
        Throws(() => _backend.Attention(Call(new SequenceRows(0, 0, 0, new[] { 0 }))));
        Throws(() => _backend.Attention(Call(new SequenceRows(0, 2, 15, new[] { 0 }))));
        Throws(() => _backend.Attention(Call(new SequenceRows(0, 2, 0, new[] { 4 }))));
        Throws(() => _backend.Attention(Call(new SequenceRows(0, 2, -1, new[] { 0 }))));
        Throws(() => _backend.Attention(Call(new SequenceRows(0, 2, int.MaxValue - 1, new[] { 0 }))));
        var tap = new AttentionTap([new(0, 1)], [], false, New(2, 2), default, default);
        Throws(() => _backend.Attention(Call(new SequenceRows(0, 2, 0, new[] { 0 }, tap))));
        Throws(() => _backend.AttentionProbabilities(Call(), 0, 4, 0, New(2, 2)));
        Throws(() => _backend.AttentionProbabilities(Call(), 1, 0, 0, New(2, 2)));
        Throws(() => _backend.AttentionProbabilities(Call(), 0, 0, 1, New(2, 2)));
        Throws(() => _backend.AttentionProbabilities(Call(), 0, 0, 0, New(2, 1)));
    }

    [SkippableTheory]
    [MemberData(nameof(Backends))]
    public void MemoryThatWasGivenBack(string name)
    {
        Open(name);
        var x = New(4);
        x.Buffer.Dispose();
        Assert.Throws<ObjectDisposedException>(() => _backend.Clear(x));
        var weight = _backend.LoadWeight(Data.Weight(DType.F64, 1, 1, 4, 4));
        weight.Dispose();
        Assert.Throws<ObjectDisposedException>(() => _backend.Linear(New(3, 4), weight, null, New(3, 4)));
    }

    [SkippableTheory]
    [MemberData(nameof(Backends))]
    public void WeightsOfOtherTypesAreRefused(string name)
    {
        Open(name);
        Assert.Throws<IccUnsupportedException>(() => _backend.LoadWeight(HostTensor.FromArray("w", new long[4], 2, 2)));
    }

    private void Open(string name)
    {
        _backend = Subjects.Create(name);
        _cache = _backend.CreateKvCache(new KvShape(2, 2, 16, 16, 4));
    }

    private static void Throws(Action action) => Assert.Throws<ArgumentException>(action);

    private Tensor New(params int[] extents) => _backend.Allocate(extents.Length switch
    {
        1 => new Shape(extents[0]),
        2 => new Shape(extents[0], extents[1]),
        _ => new Shape(extents[0], extents[1], extents[2]),
    });

    private AttentionCall Call(SequenceRows? sequence = null) => new()
    {
        Query = New(2, 4, 16),
        Cache = _cache!,
        Layer = 1,
        Sequences = new[] { sequence ?? new SequenceRows(0, 2, 0, new[] { 3 }) },
        Mask = new(true, null),
        Scale = 1,
        Output = New(2, 4, 16),
    };
}
