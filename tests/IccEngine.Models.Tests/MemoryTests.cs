using System.Diagnostics;
using System.Globalization;
using IccEngine.Core;
using IccEngine.Cpu;
using IccEngine.Testing;
using Xunit;

namespace IccEngine.Models.Tests;

/// <summary>What a prefill with taps on all layers takes: linear in tokens, S x S a layer for the taps, and nothing a token.</summary>
public sealed class MemoryTests : IDisposable
{
    private const int Spans = 128;
    private readonly string _folder = SmallModel.Write(vocabulary: 64, hidden: 256, layers: 4, heads: 4, kvHeads: 4, ffn: 256);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void The_process_peak_grows_less_than_2_2_times_with_twice_the_tokens()
    {
        var (half, whole) = (Peak(4096), Peak(8192));
        Assert.True(whole < 2.2 * half, $"{whole / 1e6:0} MB at 8192 tokens, {half / 1e6:0} MB at 4096");
        // One map of 8192 x 8192 float32 has 268 MB; the cache has 67 MB and the rest does not grow.
        Assert.True(whole - half < 100e6, $"{(whole - half) / 1e6:0} MB more for 4096 more tokens");
    }

    [Fact]
    public void Bytes_asked_for_are_those_of_the_formula()
    {
        var (elements, cache) = Count(512);
        var (moreElements, moreCache) = Count(2048);
        Assert.Equal(elements, moreElements); // rows of a chunk, taps and logits: the same for any prompt of more than a chunk
        Assert.Equal(512 / cache.PageTokens, cache.Pages);
        Assert.Equal(4 * cache.Pages, moreCache.Pages);
        const int rows = 256, hidden = 256, ffn = 256, headDim = 64, layers = 4, vocabulary = 64, aligned = 4096;
        var perRow = (2 * hidden) + (4 * hidden) + headDim + (2 * ffn);
        var least = (rows * perRow) + (layers * Spans * Spans) + vocabulary;
        Assert.InRange(elements, least, least + (2 * aligned));
    }

    [Fact]
    public void A_decoded_token_allocates_nothing()
    {
        using var backend = new CpuBackend(2);
        using var model = CausalLM.Load(_folder, backend);
        using var session = new InferenceSession(model, new SessionOptions(2000));
        var sequence = session.Begin();
        var next = new int[1];
        session.Forward([new SequenceInput(sequence, new int[100])]);
        void Decode(int count)
        {
            for (var i = 0; i < count; i++)
            {
                session.Forward([new SequenceInput(sequence, next)]);
                backend.Sample(session.LastLogits(0), default, SamplingOptions.Greedy, [], next, []);
            }
        }
        Decode(200);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Decode(500);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private (long Elements, KvShape Cache) Count(int tokens)
    {
        using var backend = new CountingBackend(new CpuBackend(2));
        using var model = CausalLM.Load(_folder, backend);
        using var capture = new AttentionCapture(
            model, new TapRequest { Spans = [.. Enumerable.Range(0, Spans).Select(s => new TokenSpan(s * 2, (s + 1) * 2))] });
        using var session = new InferenceSession(model, new SessionOptions(tokens, MaxBatchTokens: 256));
        session.Forward([new SequenceInput(session.Begin(), new int[tokens], LogitsWanted.Last, capture)]);
        return (backend.Elements, Assert.Single(backend.Caches));
    }

    private long Peak(int tokens)
    {
        var probe = Path.Combine(AppContext.BaseDirectory, "IccEngine.MemoryProbe.dll");
        using var process = Process.Start(new ProcessStartInfo(
            "dotnet", [probe, _folder, $"{tokens}", $"{Spans}"])
        { RedirectStandardOutput = true })!;
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        return long.Parse(output, CultureInfo.InvariantCulture);
    }
}
