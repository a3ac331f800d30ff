using IccEngine.Core;
using IccEngine.Testing;
using Xunit;

namespace IccEngine.Models.Tests;

/// <summary>Decoding: samples that share a prefill, seeds, stop ids, probabilities.</summary>
public sealed class DecodingTests : IDisposable
{
    private static readonly int[] _prompt = [.. Enumerable.Range(0, 130).Select(i => i * 7 % 96)]; // two pages and a part
    private readonly string _folder = SmallModel.Write(vocabulary: 96, hidden: 32, layers: 2, heads: 4, kvHeads: 2, ffn: 48);

    public static TheoryData<string> Backends => [.. TestBackends.All];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [SkippableTheory]
    [MemberData(nameof(Backends))]
    public void Samples_share_one_prefill_and_part_afterwards(string backendName)
    {
        using var backend = new CountingBackend(TestBackends.Create(backendName));
        using var model = CausalLM.Load(_folder, backend);
        var options = new GenerationOptions
        {
            MaxNewTokens = 5,
            Samples = 4,
            Sampling = new SamplingOptions(1.5, TopP: 0.95),
            Seed = 3,
            LogProbabilities = true,
        };
        using var session = new InferenceSession(model, Decoding.Room(_prompt.Length, options));
        var tokens = Decoding.Generate(session, session.Begin(), _prompt, options).ToArray();
        Assert.Equal(20, tokens.Length);
        Assert.Equal(_prompt.Length + 4 * 4, backend.TokensEmbedded);
        Assert.True(tokens.Where(t => t.Sample > 0).GroupBy(t => t.Sample).Select(g => string.Join(',', g.Select(t => t.Id))).Distinct().Count() > 1);
        // Each sample is what the model says of its tokens alone, in another division into chunks.
        foreach (var sample in tokens.GroupBy(t => t.Sample))
        {
            int[] ids = [.. sample.Select(t => t.Id)];
            using var alone = new InferenceSession(model, new SessionOptions(200, 1, 17));
            var sequence = alone.Begin();
            foreach (var (token, i) in sample.Select((t, i) => (t, i)))
            {
                alone.Forward([new SequenceInput(sequence, i == 0 ? _prompt : new[] { ids[i - 1] })]);
                var log = new double[1];
                backend.LogProbabilities(alone.LastLogits(0), new AllowedIds([token.Id]), false, log);
                Assert.Equal(log[0], token.LogProbability, 1e-4);
            }
        }
        using var again = new InferenceSession(model, Decoding.Room(_prompt.Length, options));
        Assert.Equal(tokens, Decoding.Generate(again, again.Begin(), _prompt, options));
    }

    [Fact]
    public void Pages_come_back_and_samples_stop_by_themselves()
    {
        using var backend = new ReferenceBackend<float>();
        using var model = CausalLM.Load(_folder, backend);
        var options = new GenerationOptions { MaxNewTokens = 8, Samples = 3, Sampling = new SamplingOptions(3), StopIds = [.. Enumerable.Range(0, 32)] };
        using var session = new InferenceSession(model, Decoding.Room(_prompt.Length, options));
        for (var round = 0; round < 10; round++)
        {
            var sequence = session.Begin();
            var tokens = Decoding.Generate(session, sequence, _prompt, options with { Seed = round }).ToArray();
            foreach (var sample in tokens.GroupBy(t => t.Sample))
            {
                Assert.All(sample.SkipLast(1), t => Assert.DoesNotContain(t.Id, options.StopIds));
                Assert.True(sample.Count() == 8 || options.StopIds.Contains(sample.Last().Id));
            }
            session.End(sequence);
        }
    }

    [Fact]
    public void Bad_options_are_refused()
    {
        foreach (var options in new GenerationOptions[]
        {
            new() { MaxNewTokens = -1 }, new() { Samples = 0 }, new() { Samples = 5000 }, new() { Sampling = new(double.NaN) },
            new() { Sampling = new(1, -1) }, new() { Sampling = new(1, 0, 1.1) }, new() { Sampling = new(1, 0, 1, -0.1) },
        })
        {
            Assert.Throws<IccArgumentException>(() => Decoding.Room(1, options));
        }
    }
}
