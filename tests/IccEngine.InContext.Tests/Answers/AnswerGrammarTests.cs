using IccEngine.Core;
using Xunit;

namespace IccEngine.InContext.Tests.Answers;

/// <summary>The legal answers by characters: as many as there are, and no others.</summary>
public sealed class AnswerGrammarTests
{
    private const string Characters = "[], 0123456789x";

    [Theory]
    [InlineData(4, 3, false, false, 81)] // 3^4
    [InlineData(4, 3, false, true, 36)] // 3! S(4, 3)
    [InlineData(6, 3, true, true, 90)] // S(6, 3)
    [InlineData(5, 5, true, true, 1)]
    [InlineData(5, 5, true, false, 52)] // Bell's number
    [InlineData(5, 2, true, false, 16)] // S(5, 1) + S(5, 2)
    [InlineData(2, 12, false, false, 144)]
    [InlineData(1, 1, true, true, 1)]
    public void Exactly_the_legal_answers_are_accepted(int points, int clusters, bool canonical, bool useAll, int expected)
    {
        var grammar = new AnswerGrammar([.. Forced(points)], clusters, canonical, useAll);
        var answers = Enumerate(grammar, grammar.Start, "").ToList();
        Assert.Equal(expected, answers.Count);
        Assert.Equal(expected, answers.Distinct().Count());
        foreach (var answer in answers)
        {
            int[] labels = [.. answer.Trim('[', ']').Split(", ").Select(int.Parse)];
            Assert.Equal($"[{string.Join(", ", labels)}]", answer);
            Assert.Equal(points, labels.Length);
            Assert.All(labels, label => Assert.InRange(label, 0, clusters - 1));
            Assert.True(!canonical || LabelOrder.ByFirstAppearance(labels).SequenceEqual(labels), answer);
            Assert.True(!useAll || labels.Distinct().Count() == clusters, answer);
        }
    }

    [Fact]
    public void What_must_come_next_is_all_that_can()
    {
        var grammar = new AnswerGrammar([.. Forced(4)], 3, canonical: true, useAll: true);
        Assert.Equal("[0, ", grammar.ForcedText(grammar.Start)); // the first label is 0
        var state = grammar.Start;
        foreach (var c in "[0, 0")
        {
            Assert.True(grammar.Step(ref state, c, out _));
        }
        Assert.Equal(", 1, 2]", grammar.ForcedText(state));
        Assert.Equal("[0, 0, 0]", new AnswerGrammar([.. Forced(3)], 1, canonical: false, useAll: false) is var one ? one.ForcedText(one.Start) : "");
    }

    [Fact]
    public void Answers_that_cannot_be_are_refused()
    {
        Assert.Throws<IccArgumentException>(() => new AnswerGrammar([.. Forced(2)], 3, canonical: true, useAll: true));
        Assert.Throws<IccArgumentException>(() => new AnswerGrammar([.. Forced(2)], 0, canonical: true, useAll: false));
        Assert.Throws<IccArgumentException>(() => new AnswerGrammar(["[", "", "]"], 2, canonical: true, useAll: false));
        Assert.Throws<IccArgumentException>(() => new AnswerGrammar(["[", ", 1", "]"], 2, canonical: true, useAll: false));
    }

    internal static IEnumerable<string> Forced(int points) => ["[", .. Enumerable.Repeat(", ", points - 1), "]"];

    /// <summary>Every text that the automaton takes to its end.</summary>
    internal static IEnumerable<string> Enumerate(AnswerGrammar grammar, AnswerState state, string text)
    {
        if (grammar.IsEnd(state))
        {
            yield return text;
        }
        foreach (var c in Characters)
        {
            var after = state;
            if (grammar.Step(ref after, c, out _))
            {
                foreach (var whole in Enumerate(grammar, after, text + c))
                {
                    yield return whole;
                }
            }
        }
    }
}
