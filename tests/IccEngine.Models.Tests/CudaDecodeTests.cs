using IccEngine.Core;
using IccEngine.Testing;
using Xunit;

namespace IccEngine.Models.Tests;

/// <summary>Decoding on the CUDA backend: what the host waits for, what is launched, and that memory may run out on the way.</summary>
public sealed class CudaDecodeTests : IDisposable
{
    private static readonly int[] _prompt = Prompt(70);
    private readonly string _folder = SmallModel.Write(vocabulary: 96, hidden: 32, layers: 4, heads: 4, kvHeads: 2, ffn: 48);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [SkippableTheory]
    [InlineData(3, 0)]  // one graph
    [InlineData(3, 0.7)]
    [InlineData(12, 0)] // several
    public void ATokenIsAFewGraphsAndOneWait(int layers, double temperature)
    {
        var folder = SmallModel.Write(vocabulary: 96, hidden: 32, layers, heads: 4, kvHeads: 2, ffn: 48);
        using var machine = new PretendedMachine();
        using var backend = machine.Open();
        using var model = CausalLM.Load(folder, backend);
        Directory.Delete(folder, recursive: true);
        using var session = new InferenceSession(model, new SessionOptions(256));
        var options = new GenerationOptions { MaxNewTokens = 30, Sampling = new SamplingOptions(temperature, TopK: 5) };
        var generation = Decoding.Generate(session, session.Begin(), _prompt, options).GetEnumerator();
        for (var i = 0; i < 4; i++) // the prompt; then a token as it comes, one that makes the graph, and one that uses it
        {
            Assert.True(generation.MoveNext());
        }
        var (waits, launches, graphs) = (machine.Count("waits"), machine.Count("launches"), machine.Count("graphs"));
        const int tokens = 20;
        for (var i = 0; i < tokens; i++)
        {
            Assert.True(generation.MoveNext());
        }
        Assert.Equal(tokens, machine.Count("waits") - waits);
        Assert.Equal(0, machine.Count("launches") - launches);
        Assert.Equal(tokens * (layers == 3 ? 1 : 2), machine.Count("graphs") - graphs);
    }

    [SkippableFact]
    public void ATokenAllocatesNothing()
    {
        using var machine = new PretendedMachine();
        using var backend = machine.Open();
        using var model = CausalLM.Load(_folder, backend);
        using var session = new InferenceSession(model, new SessionOptions(256));
        var sequence = session.Begin();
        var next = new int[1];
        session.Forward([new SequenceInput(sequence, _prompt)]);
        void Decode(int count)
        {
            for (var i = 0; i < count; i++)
            {
                session.Forward([new SequenceInput(sequence, next)]);
                backend.Sample(session.LastLogits(0), default, SamplingOptions.Greedy, [], next, []);
            }
        }
        Decode(60); // the tables have their sizes, and the graphs are there
        var before = GC.GetAllocatedBytesForCurrentThread();
        Decode(50); // all in one page
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [SkippableTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void GraphsGiveTheBitsOfLaunches(bool lazy)
    {
        using var machine = new PretendedMachine();
        machine.Pretend("lazy", lazy ? 1 : 0);
        using var backend = machine.Open();
        using var model = CausalLM.Load(_folder, backend);
        using var session = new InferenceSession(model, new SessionOptions(400, 2));
        var value = new float[32];
        // Reading after each layer leaves too few launches for a graph.
        var reading = new ForwardOptions { OnHidden = report => backend.Read(report.Rows.Rows(0, 1), value) };
        var expected = Decode(session, reading, 80);
        var before = machine.Count("graphs");
        var found = Decode(session, new ForwardOptions(), 80);
        Assert.True(machine.Count("graphs") - before > 70);
        Assert.Equal(expected, found);
    }

    [SkippableFact]
    public void SequencesOfOtherLengthsShareGraphs()
    {
        using var machine = new PretendedMachine();
        using var backend = machine.Open();
        using var model = CausalLM.Load(_folder, backend);
        using var session = new InferenceSession(model, new SessionOptions(1000, 3));
        var sequences = Enumerable.Range(1, 3).Select(n =>
        {
            var sequence = session.Begin();
            session.Forward([new SequenceInput(sequence, _prompt.AsMemory(0, 20 * n))]);
            return sequence;
        }).ToArray();
        var found = new List<double[]>();
        for (var i = 0; i < 12; i++)
        {
            session.Forward([new SequenceInput(sequences[i % 3], new[] { i })]);
            found.Add(Read(session));
        }
        for (var s = 0; s < 3; s++)
        {
            using var alone = new InferenceSession(model, new SessionOptions(200));
            var sequence = alone.Begin();
            alone.Forward([new SequenceInput(sequence, _prompt.AsMemory(0, 20 * (s + 1)))]);
            for (var i = s; i < 12; i += 3)
            {
                alone.Forward([new SequenceInput(sequence, new[] { i })]);
                Assert.Equal(Read(alone), found[i]);
            }
        }
    }

    [SkippableTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void MemoryMayRunOutInTheMiddleOfAPrefill(bool lazy)
    {
        using var machine = new PretendedMachine();
        machine.Pretend("lazy", lazy ? 1 : 0);
        using var backend = machine.Open();
        using var model = CausalLM.Load(_folder, backend);
        var x = backend.Allocate(new Shape(1));
        using (var whole = new InferenceSession(model, new SessionOptions(2000, 1, 64)))
        {
            whole.Forward([new SequenceInput(whole.Begin(), Prompt(1000))]); // the backend's own tables have grown
        }
        backend.Read(x, new float[1]);
        var before = machine.Taken();
        OutOfMemory();
        Assert.Equal(before, machine.Taken());

        void OutOfMemory()
        {
            var session = new InferenceSession(model, new SessionOptions(2000, 1, 64));
            var sequence = session.Begin();
            machine.Pretend("memory", machine.Count("used") + 350_000);
            var error = Assert.Throws<IccMemoryException>(() => session.Forward([new SequenceInput(sequence, Prompt(1000))]));
            Assert.Matches("^cuda:0 .*: [0-9,]+ bytes of memory are needed; [0-9,]+ of [0-9,]+ are free: shorten the prompt", error.Message);
            Assert.InRange(sequence.Length, 64, 936);
            // It may begin anew with less.
            var longest = sequence.Length;
            session.End(sequence);
            session.Forward([new SequenceInput(sequence, Prompt(longest))]);
            var found = Read(session);
            machine.Pretend("memory", 16L << 30);
            session.Dispose();
            using var other = new InferenceSession(model, new SessionOptions(2000, 1, 64));
            other.Forward([new SequenceInput(other.Begin(), Prompt(longest))]);
            Assert.Equal(Read(other), found);
            other.Dispose();
            backend.Read(x, new float[1]); // waits, so that memory is back
        }
    }

    [SkippableFact]
    public void TheDeviceMayBeLostWhileAModelAnswers()
    {
        using var machine = new PretendedMachine();
        int[] expected;
        using (var backend = machine.Open())
        {
            expected = Answer(backend, -1);
        }
        foreach (var life in new[] { 3, 40, 41, 77, 100, 140 })
        {
            using var backend = machine.Open();
            Assert.Contains("the device is lost", Assert.Throws<IccDeviceException>(() => Answer(backend, life)).Message, StringComparison.Ordinal);
            machine.Pretend("life", -1);
            using var anew = machine.Open();
            Assert.Equal(expected, Answer(anew, -1));
        }
        Assert.All(machine.Taken(), left => Assert.Equal(0, left));

        int[] Answer(IBackend backend, int life)
        {
            using var model = CausalLM.Load(_folder, backend);
            using var session = new InferenceSession(model, new SessionOptions(200));
            machine.Pretend("life", life);
            return [.. Decoding.Generate(session, session.Begin(), _prompt, new GenerationOptions { MaxNewTokens = 30 }).Select(t => t.Id)];
        }
    }

    private static int[] Prompt(int tokens) => [.. Enumerable.Range(0, tokens).Select(i => i * 7 % 96)];

    private static List<double[]> Decode(InferenceSession session, ForwardOptions options, int tokens)
    {
        var sequence = session.Begin();
        session.Forward([new SequenceInput(sequence, _prompt)]);
        var logits = new List<double[]>();
        for (var i = 0; i < tokens; i++)
        {
            session.Forward([new SequenceInput(sequence, new[] { i % 96 })], options);
            logits.Add(Read(session));
        }
        session.End(sequence);
        return logits;
    }

    private static double[] Read(InferenceSession session)
    {
        var logits = session.LastLogits(0);
        var values = new double[logits.Shape.Elements];
        session.Model.Backend.Read(logits, values);
        return values;
    }
}
