using System.Text.Json;
using IccEngine.Clustering;
using IccEngine.Formats;
using IccEngine.InContext;
using IccEngine.Models;
using IccEngine.Testing;
using Xunit;
using Xunit.Abstractions;

namespace IccEngine.Tests;

/// <summary>What int8 costs the embedded model: the loss of the right labels, and the labels that it gives.</summary>
[Trait("Category", "Goldens")]
public sealed class Int8ModelTests(ITestOutputHelper output)
{
    private static readonly string _folder = Path.Combine(Goldens.Repository, "tests", "data", "icc-tiny");

    private sealed record Episode(PointSet Points, int Clusters, int[] Classes, double Margin);

    [Fact]
    public void The_loss_of_the_right_labels_changes_as_little_as_half_a_step_changes_it()
    {
        using var stored = IccModel.LoadEmbedded();
        using var int8 = IccModel.LoadEmbedded(quantize: "int8");
        var expected = Losses(stored.Model);
        var found = Losses(int8.Model);
        var moved = Enumerable.Range(1, 2).Select(seed => Change(expected, Losses(seed))).ToArray();
        output.WriteLine(FormattableString.Invariant(
            $"loss of {expected.Length} label tokens: {expected.Average():0.00000}, int8 {found.Average():0.00000}; mean |change| {Change(expected, found):0.00000}, of random moves {string.Join(", ", moved.Select(m => m.ToString("0.00000")))}"));
        // Rounding and random moves have one variance, step^2 / 12; twice either way is chance.
        Assert.InRange(Change(expected, found), moved.Min() / 2, moved.Max() * 2);
    }

    [Fact]
    public void Labels_change_only_where_the_model_was_undecided()
    {
        using var stored = IccModel.LoadEmbedded();
        using var int8 = IccModel.LoadEmbedded(quantize: "int8");
        var options = new ClusterOptions { Method = ClusterMethod.Both, Permutations = 1 };
        var (same, spectral, points, decided) = (0.0, 0.0, 0, 0);
        var (right, rightInt8) = (0.0, 0.0);
        var format = ModelFiles.ReadEmbedded().FormatFor(false);
        foreach (var episode in Episodes())
        {
            var expected = stored.Cluster(episode.Points, episode.Clusters, options).Results;
            var found = int8.Cluster(episode.Points, episode.Clusters, options).Results;
            var count = episode.Points.Count;
            points += count;
            spectral += count * Metrics.Accuracy(expected[0].Labels, found[0].Labels);
            right += count * Metrics.Accuracy(episode.Classes, expected[1].Labels);
            rightInt8 += count * Metrics.Accuracy(episode.Classes, found[1].Labels);
            same += expected[1].Labels.Zip(found[1].Labels).Count(p => p.First == p.Second);
            var (before, after) = (Answer(stored.Model, format, episode, expected[1].Labels), Answer(int8.Model, format, episode, expected[1].Labels));
            // The difference of two logits moves by at most twice the largest change of one.
            if (episode.Margin > 2 * before.Logits.Zip(after.Logits, (a, b) => Math.Abs(a - b)).Max())
            {
                Assert.Equal(expected[1].Labels, found[1].Labels);
                decided++;
            }
        }
        output.WriteLine(FormattableString.Invariant(
            $"{points} points: {same} answered labels and {spectral:0} spectral labels as before; right answers {right / points:0.0000}, int8 {rightInt8 / points:0.0000}; {decided} episodes were decided"));
        Assert.NotEqual(0, decided);
    }

    private static double Change(double[] a, double[] b) => a.Zip(b, (x, y) => Math.Abs(x - y)).Average();

    private static double[] Losses(int seed)
    {
        using var folder = new TemporaryFolder();
        var files = ModelFiles.ReadEmbedded();
        using (files.Checkpoint)
        {
            RoundingNoise.Write(files.Checkpoint, folder.Path, seed);
        }
        using var backend = Device.Open("cpu");
        using var model = CausalLM.Load(files.Config, Checkpoint.Open(folder.Path), backend);
        return Losses(model);
    }

    /// <summary>Loss of every label token of every episode's true classes.</summary>
    private static double[] Losses(CausalLM model)
    {
        var format = ModelFiles.ReadEmbedded().FormatFor(false);
        return [.. Episodes().SelectMany(e => Answer(model, format, e, LabelsOf(e.Classes)).Losses)];
    }

    /// <summary>The logits that label tokens of an answer are chosen from, and the loss of these tokens.</summary>
    private static (float[] Logits, double[] Losses) Answer(CausalLM model, IPromptFormat format, Episode episode, int[] labels)
    {
        var template = format.Answer(episode.Points, episode.Clusters);
        List<int> ids = [.. format.Encode(episode.Points, episode.Clusters).Ids];
        var places = new List<int>();
        for (var i = 0; i < labels.Length; i++)
        {
            // What is forced ends with the blank that is a part of the label's token.
            ids.AddRange(template.Tokenizer.Encode(template.Forced[i][..^1], addSpecialTokens: false).Ids);
            var label = template.Tokenizer.Encode($" {labels[i]}", addSpecialTokens: false).Ids;
            places.AddRange(Enumerable.Range(ids.Count, label.Count));
            ids.AddRange(label);
        }
        var all = ModelInspector.Run(model, new InspectRequest { Ids = ids, Hidden = false }).Single().Values;
        var vocabulary = model.Config.VocabSize;
        var rows = places.Select(p => all[((p - 1) * vocabulary)..(p * vocabulary)]).ToArray();
        return ([.. rows.SelectMany(r => r)], [.. places.Zip(rows, (p, row) => Loss(row, ids[p]))]);
    }

    private static double Loss(float[] logits, int token)
    {
        double max = logits.Max();
        return max + Math.Log(logits.Sum(l => Math.Exp(l - max))) - logits[token];
    }

    /// <summary>Classes numbered by first appearance, as the model writes them.</summary>
    private static int[] LabelsOf(int[] classes)
    {
        var seen = classes.Distinct().ToList();
        return [.. classes.Select(c => seen.IndexOf(c))];
    }

    private static IEnumerable<Episode> Episodes()
    {
        using var expected = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(_folder, "expected.json")));
        var margins = expected.RootElement.GetProperty("cases").EnumerateArray()
            .ToDictionary(e => (e.GetProperty("file").GetString(), e.GetProperty("line").GetInt32()), e => e.GetProperty("smallest_margin").GetDouble());
        foreach (var line in File.ReadLines(Path.Combine(_folder, "episodes.jsonl")))
        {
            using var document = JsonDocument.Parse(line);
            var episode = document.RootElement;
            var rows = episode.GetProperty("x").EnumerateArray().Select(r => (IReadOnlyList<double>)[.. r.EnumerateArray().Select(v => v.GetDouble())]);
            yield return new Episode(
                PointSet.FromRows([.. rows]), episode.GetProperty("c").GetInt32(), [.. episode.GetProperty("y").EnumerateArray().Select(v => v.GetInt32())],
                margins[(episode.GetProperty("file").GetString(), episode.GetProperty("line").GetInt32())]);
        }
    }
}
