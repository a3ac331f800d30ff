using System.Text.Json.Nodes;
using IccEngine.Core;
using IccEngine.Formats;
using IccEngine.InContext;
using IccEngine.Testing;
using Xunit;

namespace IccEngine.Tests;

/// <summary>Free answers: of a model that writes the tokens it is built for, and of the embedded one.</summary>
public sealed class FreeAnswerTests : IDisposable
{
    private static readonly ClusterOptions _free = new() { Method = ClusterMethod.Generate, Answers = new AnswerOptions { Decoding = AnswerDecoding.Free } };
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_first_list_counts_and_is_padded_or_cut()
    {
        using var model = Writer("[7,3]", ends: true);
        var found = model.Cluster(IccModelTests.Grid(3, 2), 2, _free);
        var answer = Assert.Single(found.Results[0].Answers);
        Assert.Equal(("[7,3]", true), (answer.Text, answer.Parsed));
        Assert.Equal([1, 0, -1], answer.Labels); // ranks of what it says
        Assert.Equal([0, 1, -1], found.Labels);
        Assert.Null(found.Results[0].Confidence);
        Assert.Empty(found.Remarks);
        Assert.InRange(answer.LogProbability, -1, 0);
        Assert.Equal([0], model.Cluster(IccModelTests.Grid(1, 2), 1, _free).Labels);
    }

    [Fact]
    public void What_cannot_be_read_is_counted()
    {
        using var model = Writer("7,", ends: true);
        foreach (var consensus in Enum.GetValues<AnswerConsensus>())
        {
            var found = model.Cluster(IccModelTests.Grid(4, 2), 2, _free with { Permutations = 3, Consensus = consensus });
            Assert.All(found.Results[0].Answers, a => Assert.Equal(("7,", false), (a.Text, a.Parsed)));
            Assert.Equal([-1, -1, -1, -1], found.Labels);
            Assert.Equal(new double[4], found.Results[0].Confidence);
            Assert.Equal(["3 of 3 answers could not be read"], found.Remarks);
        }
    }

    [Fact]
    public void An_answer_without_an_end_has_as_many_tokens_as_it_may_have()
    {
        using var model = Writer("7,", ends: false);
        var found = model.Cluster(IccModelTests.Grid(4, 2), 2, _free with { Answers = _free.Answers with { MaxNewTokens = 5 } });
        Assert.Equal("7,7,7", Assert.Single(found.Results[0].Answers).Text);
        // "[0, 0, 0, 0]" has 12 characters.
        found = model.Cluster(IccModelTests.Grid(4, 2), 2, _free);
        Assert.Equal(12 + 64, Assert.Single(found.Results[0].Answers).Text!.Length);
    }

    [Fact]
    public void Free_answers_to_several_orders_are_put_together()
    {
        // Every order gives its first point another cluster than its second, and the others none.
        using var model = Writer("[0,1]", ends: true);
        var found = model.Cluster(IccModelTests.Grid(5, 2), 2, _free with { Permutations = 12, Consensus = AnswerConsensus.Vote }).Results[0];
        Assert.Equal(12, found.Answers.Count);
        Assert.All(found.Answers, a => Assert.Equal(3, a.Labels.Count(l => l < 0)));
        Assert.All(found.Labels.Zip(found.Confidence!), p => Assert.Equal(p.First < 0, p.Second == 0));
        Assert.All(found.Confidence!, c => Assert.InRange(c, 0, 1));
    }

    [Fact]
    public void In_the_echo_style_the_model_is_told_the_points_and_says_a_token_behind_each()
    {
        using var model = IccModel.LoadEmbedded();
        var points = IccModelTests.Grid(24, 2);
        var result = model.Cluster(points, 3, _free with { Permutations = 4 }).Results[0];
        Assert.Equal([.. Enumerable.Range(0, 24).Select(i => i % 3)], result.Labels);
        Assert.All(result.Answers, a => Assert.True(a.Parsed && a.LogProbability < 0));
        // Hot enough, any token comes, and most are no labels.
        var hot = _free with { Answers = _free.Answers with { Sampling = new SamplingOptions(1000), Samples = 3 } };
        result = model.Cluster(points, 3, hot).Results[0];
        Assert.All(result.Answers, a => Assert.InRange(a.Labels.Count(l => l < 0), 20, 24));
        Assert.Equal(result.Labels, model.Cluster(points, 3, hot).Labels);
        Assert.Equal([0], model.Cluster(IccModelTests.Grid(1, 2), 1, _free).Labels);
    }

    [Fact]
    public void Options_of_constrained_answers_are_refused()
    {
        using var model = IccModel.LoadEmbedded();
        AnswerOptions[] wrong =
        [
            _free.Answers with { Beams = 2 }, _free.Answers with { UseAll = false }, _free.Answers with { Canonical = true },
            _free.Answers with { MaxNewTokens = 0 }, new() { MaxNewTokens = 5 },
        ];
        Assert.All(wrong, options => Assert.Throws<IccArgumentException>(() => model.Cluster(IccModelTests.Grid(4, 1), 2, _free with { Answers = options })));
        Assert.Throws<IccArgumentException>(() => model.Cluster(IccModelTests.Grid(4, 1), 5, _free));
        using var writer = Writer("[7,3]", ends: true);
        Assert.Throws<IccArgumentException>(() => writer.Cluster(IccModelTests.Grid(4, 1), 5, _free));
    }

    /// <summary>
    /// A model that writes a text, whatever the prompt, and then ends or begins again: its layers do nothing, each token of the text has a
    /// direction of its own, and the row of the next token points that way. All other tokens share a direction, which leads to the first.
    /// </summary>
    private IccModel Writer(string text, bool ends)
    {
        foreach (var name in new[] { "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json" })
        {
            File.Copy(Path.Combine(TinyChat.Folder, name), Path.Combine(_folder.Path, name));
        }
        var config = JsonNode.Parse(File.ReadAllText(Path.Combine(TinyChat.Folder, "config.json")))!;
        config["tie_word_embeddings"] = false;
        var (vocabulary, hidden) = (config["vocab_size"]!.GetValue<int>(), config["hidden_size"]!.GetValue<int>());
        File.WriteAllText(Path.Combine(_folder.Path, "config.json"), config.ToJsonString());
        var end = config["eos_token_id"]![0]!.GetValue<int>();
        var ids = Tokenizer.Load(Path.Combine(_folder.Path, "tokenizer.json")).Encode(text, addSpecialTokens: false).Ids;
        Assert.Equal(ids.Count, ids.Distinct().Count());
        var (embedding, head) = (new float[vocabulary * hidden], new float[vocabulary * hidden]);
        for (var id = 0; id < vocabulary; id++)
        {
            embedding[id * hidden] = 1;
        }
        for (var i = 0; i < ids.Count; i++)
        {
            (embedding[ids[i] * hidden], embedding[ids[i] * hidden + i + 1]) = (0, 1);
            head[ids[i] * hidden + i] = 20;
        }
        head[(ends ? end : ids[0]) * hidden + ids.Count] = 20;
        var tensors = new List<SafeTensorsItem> { Matrix("model.embed_tokens.weight", embedding), Matrix("lm_head.weight", head) };
        using var checkpoint = Checkpoint.Open(TinyChat.Folder);
        tensors.AddRange(checkpoint.Tensors.Where(t => t.Name != "model.embed_tokens.weight").Select(t =>
        {
            var value = t.Name.Contains("norm", StringComparison.Ordinal) ? 1f : 0f;
            return SafeTensorsItem.From(HostTensor.FromArray(t.Name, [.. Enumerable.Repeat(value, (int)t.Elements)], [.. t.Extents]));
        }));
        SafeTensorsWriter.Write(Path.Combine(_folder.Path, "model.safetensors"), tensors);
        return IccModel.Load(_folder.Path);

        SafeTensorsItem Matrix(string name, float[] values) => SafeTensorsItem.From(HostTensor.FromArray(name, values, vocabulary, hidden));
    }
}
