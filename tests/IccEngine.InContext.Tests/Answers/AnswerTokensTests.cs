using System.Globalization;
using System.Text.RegularExpressions;
using IccEngine.Core;
using IccEngine.Formats;
using IccEngine.Testing;
using Xunit;

namespace IccEngine.InContext.Tests.Answers;

/// <summary>The legal answers by tokens, under every tokenizer of the expected values and one made to be awkward.</summary>
[Trait("Category", "Goldens")]
public sealed partial class AnswerTokensTests
{
    private const int Runs = 2000; // each tokenizer; more than 10,000 in all
    private const int MostIds = 2000;

    public static TheoryData<string> Names => Vocabularies.Names;

    [Theory]
    [MemberData(nameof(Names))]
    public void Random_logits_never_give_an_illegal_answer(string name)
    {
        var tokenizer = Vocabularies.Open(name);
        var random = new Random(1);
        for (var run = 0; run < Runs; run++)
        {
            var points = random.Next(1, 16);
            var clusters = random.Next(1, Math.Min(points, 13) + 1);
            var (canonical, useAll) = (random.Next(2) == 0, random.Next(2) == 0);
            var template = new AnswerTemplate(tokenizer, "\n", [.. AnswerGrammarTests.Forced(points)], clusters);
            var (labels, text) = Write(tokenizer, template, canonical, useAll, random);
            var parsed = AnswerParser.Parse(text, points);
            Assert.True(parsed.Found, text);
            Assert.Equal(points, parsed.Items.Count);
            Check(labels, [.. parsed.Items.Select(i => int.Parse(i, CultureInfo.InvariantCulture))], clusters, canonical, useAll);
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Random_logits_never_give_an_illegal_echo(string name)
    {
        var tokenizer = Vocabularies.Open(name);
        var random = new Random(2);
        for (var run = 0; run < Runs / 10; run++)
        {
            var points = random.Next(1, 12);
            var clusters = random.Next(1, Math.Min(points, 12) + 1);
            var forced = Enumerable.Range(0, points).Select(i => $"\n[ {i}.5 -{random.Next(100)} ] ").Append("").ToArray();
            var (labels, text) = Write(tokenizer, new AnswerTemplate(tokenizer, "Labels:", forced, clusters), canonical: true, useAll: true, random);
            Assert.Equal(points, text.Count(c => c == '\n'));
            Check(labels, [.. EchoLabel().Matches(text).Select(m => int.Parse(m.Groups[1].Value, CultureInfo.InvariantCulture))], clusters, true, true);
            Assert.Equal(string.Concat(forced), EchoLabel().Replace(text, "] "));
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Allowed_are_exactly_the_tokens_that_legal_answers_go_on_with(string name)
    {
        var tokenizer = Vocabularies.Open(name);
        foreach (var (points, clusters, canonical, useAll) in new[] { (3, 2, false, false), (4, 3, true, true), (3, 2, false, true), (2, 12, false, false), (4, 3, true, false) })
        {
            var template = new AnswerTemplate(tokenizer, "\n", [.. AnswerGrammarTests.Forced(points)], clusters);
            var tokens = new AnswerTokens(template, MostIds, canonical, useAll);
            var legal = AnswerGrammarTests.Enumerate(tokens.Grammar, tokens.Grammar.Start, "").ToArray();
            var texts = Enumerable.Range(0, MostIds).Where(id => tokenizer.IdToToken(id) is not null && !tokenizer.IsSpecial(id))
                .Select(id => (Id: id, Text: tokens.TextOf(id))).Where(t => t.Text.Length > 0).ToArray();
            // The first prefix comes twice: its tokens are first computed, then remembered.
            foreach (var prefix in legal.SelectMany(a => Enumerable.Range(0, a.Length).Select(length => a[..length])).Distinct().Concat(["["]))
            {
                var state = tokens.Grammar.Start;
                Assert.All(prefix, c => Assert.True(tokens.Grammar.Step(ref state, c, out _)));
                string[] rests = [.. legal.Where(l => l.StartsWith(prefix, StringComparison.Ordinal)).Select(l => l[prefix.Length..])];
                var expected = texts.Where(t => Array.Exists(rests, r => r.StartsWith(t.Text, StringComparison.Ordinal))).Select(t => t.Id);
                Assert.Equal(expected, tokens.Allowed(state));
            }
        }
    }

    [Fact]
    public void A_blank_is_left_to_the_token_of_the_label_behind_it()
    {
        var tokenizer = Vocabularies.Open(Vocabularies.Awkward);
        var template = new AnswerTemplate(tokenizer, "\n", [.. AnswerGrammarTests.Forced(3)], 11);
        var tokens = new AnswerTokens(template, MostIds, canonical: false, useAll: false);
        // "[0" and "[1" are tokens: nothing is forced. Behind "[3" the tokens of ", " are open too, because ", 0" is one.
        Assert.Empty(tokens.Forced(tokens.Grammar.Start, ""));
        var state = tokens.Grammar.Start;
        Assert.All("[3", c => Assert.True(tokens.Grammar.Step(ref state, c, out _)));
        Assert.Empty(tokens.Forced(state, "[3"));
        Assert.Equal([",", ", ", ", 0", ", 1"], tokens.Allowed(state).Select(tokens.TextOf));
    }

    [Fact]
    public void Labels_of_the_embedded_model_are_single_tokens()
    {
        var folder = Path.Combine(Goldens.Repository, "tests", "data", "icc-tiny");
        var tokenizer = Tokenizer.Load(Path.Combine(folder, "tokenizer.json"));
        var format = new EchoFormat(IccSpec.Load(Path.Combine(folder, "icc.json")), tokenizer, "icc-tiny");
        var random = new Random(3);
        for (var run = 0; run < Runs / 10; run++)
        {
            var points = random.Next(1, 24);
            var clusters = random.Next(1, Math.Min(points, 16) + 1);
            var set = new PointSet([.. Enumerable.Range(0, points).Select(_ => random.NextDouble())], points, 1);
            var template = format.Answer(set, clusters);
            var (labels, text) = Write(tokenizer, template, canonical: true, useAll: true, random);
            Check(labels, [.. EchoLabel().Matches(text).Select(m => int.Parse(m.Groups[1].Value, CultureInfo.InvariantCulture))], clusters, true, true);
            // The tokens are the tokenizer's own.
            var anchor = Vocabularies.Anchor(tokenizer);
            var tokens = new AnswerTokens(template, MostIds, canonical: true, useAll: true);
            var draft = new AnswerDraft(tokens, anchor);
            while (!draft.IsDone)
            {
                draft.Add(draft.Choices.Single(id => tokens.TextOf(id) == $" {labels[draft.Deciding]}"), 0);
            }
            Assert.Equal(tokenizer.Encode(text, addSpecialTokens: false).Ids, draft.Unseen.ToArray()[1..]);
        }
    }

    [Fact]
    public void A_vocabulary_that_cannot_write_answers_is_refused()
    {
        var tokenizer = Vocabularies.Open(Vocabularies.Awkward);
        var template = new AnswerTemplate(tokenizer, "\n", ["{", ";", "}"], 2);
        Assert.Contains("';'", Assert.Throws<IccUnsupportedException>(() => new AnswerTokens(template, MostIds, false, false)).Message, StringComparison.Ordinal);
        Assert.Throws<IccUnsupportedException>(() => new AnswerTokens(template with { Forced = ["[", ",", "]"] }, 5, false, false)); // a model of five ids
        var single = template with { Forced = ["[ ", ", ", "]"], SingleTokenLabels = true };
        Assert.Contains("' 0'", Assert.Throws<IccUnsupportedException>(() => new AnswerTokens(single, MostIds, false, false)).Message, StringComparison.Ordinal);
    }

    /// <summary>Writes an answer with a random logit for every token, at every choice anew.</summary>
    private static (int[] Labels, string Text) Write(Tokenizer tokenizer, AnswerTemplate template, bool canonical, bool useAll, Random random)
    {
        var anchor = Vocabularies.Anchor(tokenizer);
        var tokens = new AnswerTokens(template, MostIds, canonical, useAll);
        var draft = new AnswerDraft(tokens, anchor);
        var choices = 0;
        while (!draft.IsDone)
        {
            Assert.True(draft.Choices.Length > 1 && ++choices <= tokens.MostTokens);
            draft.Add(draft.Choices[random.Next(draft.Choices.Length)], -1);
        }
        Assert.Equal(-choices, draft.Answer.LogProbability);
        return (draft.Answer.Labels, tokenizer.Decode(draft.Unseen.ToArray(), skipSpecialTokens: false)[tokenizer.Decode(anchor, false).Length..]);
    }

    private static void Check(int[] labels, int[] read, int clusters, bool canonical, bool useAll)
    {
        Assert.Equal(read, labels);
        Assert.All(labels, label => Assert.InRange(label, 0, clusters - 1));
        Assert.True(!canonical || LabelOrder.ByFirstAppearance(labels).SequenceEqual(labels));
        Assert.True(!useAll || labels.Distinct().Count() == clusters);
    }

    [GeneratedRegex(@"\] (\d+)")]
    private static partial Regex EchoLabel();
}
