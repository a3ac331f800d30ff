using System.Diagnostics;
using IccEngine.Core;
using IccEngine.Models;

namespace IccEngine.DeviceTests;

/// <summary>A whole model with random weights: prompts with and without taps in all layers, and tokens one after another.</summary>
internal sealed partial class Bench
{
    private const int ChunkTokens = 2048;

    private void Model(string folder)
    {
        if (!Directory.Exists(folder))
        {
            BenchmarkModel.Write(sizes.Shape, "bf16", folder);
        }
        var watch = Stopwatch.StartNew();
        using var model = CausalLM.Load(folder, backend);
        var bytes = BenchmarkModel.WeightBytes(model.Config, DType.BF16);
        output.WriteLine(Text($"model {sizes.Shape} bf16: {bytes / 1e9:0.00} GB of weights loaded in {watch.Elapsed.TotalSeconds:0.0} s"));
        foreach (var (tokens, numbers) in sizes.Prefills)
        {
            Prefill(model, tokens, numbers);
        }
        Decode(model);
    }

    private void Prefill(CausalLM model, int tokens, int[] numbers)
    {
        using var session = new InferenceSession(model, new SessionOptions(tokens, 1, ChunkTokens));
        double plain = 0;
        foreach (var spans in numbers)
        {
            double Round()
            {
                using var capture = spans == 0 ? null : new AttentionCapture(model, new TapRequest { Spans = [.. Spans(tokens, spans)] });
                var sequence = session.Begin();
                var watch = Stopwatch.StartNew();
                session.Forward([new SequenceInput(sequence, Prompt(model, tokens), LogitsWanted.Last, capture)]);
                backend.Read(session.LastLogits(0), new float[model.Config.VocabSize]);
                var seconds = watch.Elapsed.TotalSeconds;
                session.End(sequence);
                return seconds;
            }
            Round();
            var median = Median([.. Enumerable.Range(0, Math.Min(3, sizes.Rounds)).Select(_ => Round())]);
            plain = spans == 0 ? median : plain;
            var free = backend.Device.FreeMemory(Driver) is { } bytes ? Text($", {(backend.Device.MemoryBytes - bytes) / 1e9:0.00} GB of memory in use") : "";
            var tap = spans == 0 || plain == 0 ? "" : Text($", tap {median / plain - 1:P1}");
            Arithmetic($"prefill {sizes.Shape} {tokens} tokens, {spans} spans{tap}{free}", Flops(model, tokens), median);
        }
    }

    private void Decode(CausalLM model)
    {
        var (before, tokens) = (sizes.DecodeAfter, sizes.DecodeTokens);
        using var session = new InferenceSession(model, new SessionOptions(before + tokens + 1, 1, ChunkTokens));
        double Round()
        {
            var sequence = session.Begin();
            var answer = Decoding.Generate(session, sequence, Prompt(model, before), new GenerationOptions { MaxNewTokens = tokens + 1 }).GetEnumerator();
            answer.MoveNext();
            var watch = Stopwatch.StartNew();
            while (answer.MoveNext())
            {
            }
            var seconds = watch.Elapsed.TotalSeconds / tokens;
            session.End(sequence);
            return seconds;
        }
        Round();
        var median = Median([.. Enumerable.Range(0, sizes.Rounds).Select(_ => Round())]);
        // Every weight but the table of the embedding is read once, and so is the cache.
        var config = model.Config;
        var embedding = config.TieWordEmbeddings ? 0 : 2.0 * config.VocabSize * config.HiddenSize;
        Memory(Text($"decode {sizes.Shape}, {tokens} tokens after {before}, {1 / median:0.0} tokens/s"), BenchmarkModel.WeightBytes(config, DType.BF16) - embedding, median);
    }

    private static int[] Prompt(CausalLM model, int tokens) => [.. Enumerable.Range(0, tokens).Select(i => (int)(i * 7919L % model.Config.VocabSize))];

    // As in docs/performance.md, with the last layer counted whole.
    private static double Flops(CausalLM model, int tokens)
    {
        var config = model.Config;
        double hidden = config.HiddenSize;
        var (queries, keys) = ((double)config.NumAttentionHeads * config.HeadDim, (double)config.NumKeyValueHeads * config.HeadDim);
        var layer = 2 * tokens * hidden * (2 * queries + 2 * keys + 3.0 * config.IntermediateSize) + 4 * queries * tokens * (tokens + 1.0) / 2;
        return config.NumHiddenLayers * layer + 2 * hidden * config.VocabSize;
    }
}
