using IccEngine.Core;
using IccEngine.Testing;
using Xunit;

namespace IccEngine.Models.Tests;

/// <summary>Sessions: ragged batches, pages, chunks, cancellation, and what is refused.</summary>
public sealed class SessionTests : IDisposable
{
    private static readonly int[] _ids = [1, 5, 9, 44, 3, 8, 21, 60, 2, 17, 33, 90, 12, 4, 6, 71, 39, 50];
    private readonly string _folder = SmallModel.Write(vocabulary: 96, hidden: 32, layers: 3, heads: 4, kvHeads: 2, ffn: 48);

    public static TheoryData<string> Backends => [.. TestBackends.All];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [SkippableTheory]
    [MemberData(nameof(Backends))]
    public void A_ragged_batch_gives_what_single_sequences_give(string backendName)
    {
        using var backend = TestBackends.Create(backendName);
        using var model = CausalLM.Load(_folder, backend);
        int[] lengths = [1, 3, 18, 7];
        using var session = new InferenceSession(model, new SessionOptions(200, lengths.Length, 11));
        var sequences = lengths.Select(_ => session.Begin()).ToArray();
        session.Forward([.. lengths.Select((n, i) => new SequenceInput(sequences[i], _ids.AsMemory(0, n)))]);
        // Decode steps and a longer continuation in one batch.
        session.Forward([.. lengths.Select((n, i) => new SequenceInput(sequences[i], i == 1 ? _ids.AsMemory(3, 5) : new[] { 7 + i }))]);
        for (var i = 0; i < lengths.Length; i++)
        {
            using var alone = new InferenceSession(model, new SessionOptions(40));
            int[] tokens = [.. _ids[..lengths[i]], .. i == 1 ? _ids[3..8] : [7 + i]];
            alone.Forward([new SequenceInput(alone.Begin(), tokens)]);
            new Tolerance(1e-5, 1e-5).Check($"sequence {i}", Read(model, session.LastLogits(i)), Read(model, alone.LastLogits(0)));
            Assert.Equal(tokens.Length, sequences[i].Length);
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Backends))]
    public void Taps_of_a_chunked_prefill_are_those_of_a_whole_one(string backendName)
    {
        using var backend = TestBackends.Create(backendName);
        using var model = CausalLM.Load(_folder, backend);
        var request = new InspectRequest
        {
            Ids = _ids,
            Hidden = false,
            Tap = new TapRequest { Spans = [new(1, 4), new(4, 9), new(10, 18)], Singles = [17, 0, 5], PerHead = true, Layers = [0, 2] },
        };
        var whole = ModelInspector.Run(model, request);
        foreach (var chunk in new[] { 1, 2, 5, 17 })
        {
            foreach (var (tensor, expected) in ModelInspector.Run(model, request with { MaxBatchTokens = chunk }).Zip(whole))
            {
                Assert.Equal(expected.Extents, tensor.Extents);
                new Tolerance(1e-6, 1e-5).Check($"{tensor.Name}, chunks of {chunk}", tensor.Values, expected.Values);
            }
        }
    }

    [Fact]
    public void Rows_of_pooled_attention_over_all_tokens_sum_to_one()
    {
        using var backend = new ReferenceBackend<double>();
        using var model = CausalLM.Load(_folder, backend);
        var tap = new TapRequest { Spans = [.. Enumerable.Range(0, _ids.Length).Select(i => new TokenSpan(i, i + 1))] };
        var pooled = ModelInspector.Run(model, new InspectRequest { Ids = _ids, Logits = false, Hidden = false, Tap = tap }).Single();
        foreach (var row in pooled.Values.Chunk(_ids.Length))
        {
            Assert.Equal(1, row.Sum(v => (double)v), 6);
        }
    }

    [Fact]
    public void A_sequence_that_stopped_at_a_tap_cannot_go_on()
    {
        using var backend = new ReferenceBackend<float>();
        using var model = CausalLM.Load(_folder, backend);
        using var capture = new AttentionCapture(model, new TapRequest { Spans = [new(0, 2), new(2, 4)], Layers = [1] });
        using var session = new InferenceSession(model, new SessionOptions(40));
        var sequence = session.Begin();
        session.Forward([new SequenceInput(sequence, _ids, LogitsWanted.None, capture)]);
        Assert.True(sequence.IsPartial);
        Assert.Throws<IccArgumentException>(() => session.Forward([new SequenceInput(sequence, new[] { 3 })]));
        session.End(sequence);
        session.Forward([new SequenceInput(sequence, _ids)]);
        Assert.Equal(_ids.Length, sequence.Length);
    }

    [Fact]
    public void What_cannot_be_is_refused()
    {
        using var backend = new ReferenceBackend<float>();
        using var model = CausalLM.Load(_folder, backend);
        using var session = new InferenceSession(model, new SessionOptions(64, 2));
        Assert.Throws<IccArgumentException>(() => session.Forward([new SequenceInput(session.Begin(), Array.Empty<int>())]));
        Assert.Throws<IccArgumentException>(() => session.Forward([new SequenceInput(session.Begin(), new[] { 96 })]));
        Assert.Throws<IccArgumentException>(() => session.Forward([new SequenceInput(session.Begin(), new[] { -1 })]));
        Assert.Throws<IccArgumentException>(() => session.Forward([new SequenceInput(session.Begin(), new int[200])]));
        Assert.Throws<IccArgumentException>(() => new AttentionCapture(model, new TapRequest { Layers = [3] }));
        Assert.Throws<IccArgumentException>(() => new AttentionCapture(model, new TapRequest { Spans = [new(2, 4), new(3, 5)] }));
        Assert.Throws<IccArgumentException>(() => new InferenceSession(model, new SessionOptions(0)));
    }

    [Fact]
    public void Pages_are_taken_and_given_back()
    {
        using var backend = new ReferenceBackend<float>();
        using var model = CausalLM.Load(_folder, backend);
        using var session = new InferenceSession(model, new SessionOptions(128, 2));
        for (var round = 0; round < 20; round++)
        {
            var (a, b) = (session.Begin(), session.Begin());
            session.Forward([new SequenceInput(a, new int[70]), new SequenceInput(b, new int[50])]);
            session.End(a);
            session.End(b);
        }
    }

    [Fact]
    public void A_cancelled_pass_leaves_its_sequence_at_a_whole_batch()
    {
        using var backend = new ReferenceBackend<float>();
        using var model = CausalLM.Load(_folder, backend);
        using var session = new InferenceSession(model, new SessionOptions(60, 2, 4));
        using var cancellation = new CancellationTokenSource();
        var sequence = session.Begin();
        var options = new ForwardOptions
        {
            OnProgress = (done, _) =>
            {
                if (done >= 8)
                {
                    cancellation.Cancel();
                }
            },
        };
        Assert.Throws<OperationCanceledException>(() => session.Forward([new SequenceInput(sequence, _ids)], options, cancellation.Token));
        Assert.Equal(8, sequence.Length);
        session.Forward([new SequenceInput(sequence, _ids.AsMemory(8))]);
        var continued = Read(model, session.LastLogits(0));
        session.Forward([new SequenceInput(session.Begin(), _ids)]);
        new Tolerance(1e-5, 1e-5).Check("after cancellation", continued, Read(model, session.LastLogits(0)));
    }

    [SkippableTheory]
    [MemberData(nameof(Backends))]
    public void Two_threads_on_one_model_give_what_one_gives(string backendName)
    {
        using var backend = TestBackends.Create(backendName);
        using var model = CausalLM.Load(_folder, backend);
        float[] Run(int first)
        {
            using var session = new InferenceSession(model, new SessionOptions(60));
            session.Forward([new SequenceInput(session.Begin(), _ids.AsMemory(first))]);
            return Read(model, session.LastLogits(0));
        }
        var expected = Enumerable.Range(0, 8).Select(Run).ToArray();
        Parallel.For(0, 64, new ParallelOptions { MaxDegreeOfParallelism = 2 }, i => Assert.Equal(expected[i % 8], Run(i % 8)));
    }

    private static float[] Read(CausalLM model, Tensor logits)
    {
        var values = new float[logits.Shape.Elements];
        model.Backend.Read(logits, values);
        return values;
    }
}
