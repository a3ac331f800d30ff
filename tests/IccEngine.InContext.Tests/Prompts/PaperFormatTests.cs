using IccEngine.Formats;
using IccEngine.Testing;
using Xunit;

namespace IccEngine.InContext.Tests;

/// <summary>The paper's prompt under the tokenizers of the expected values: spans of points, and answers put together from pieces.</summary>
[Trait("Category", "Goldens")]
public class PaperFormatTests
{
    private const string None = "(none)";

    public static TheoryData<string> Tokenizers => [.. Goldens.Folders("tokenizers").DefaultIfEmpty(None)];

    [SkippableTheory]
    [MemberData(nameof(Tokenizers))]
    public void Pieces_of_an_answer_decode_to_the_papers_answer(string folder)
    {
        Skip.If(folder == None, "no tokenizers in this set of expected values");
        var tokenizer = Tokenizer.Load(Goldens.At("tokenizers", folder, "tokenizer.json"));
        int[] labels = [0, 11, 1, 1, 10, 7];
        var tokens = new AnswerTokens(new PaperFormat(tokenizer, null).Answer(Points(labels.Length), 12), tokenizer.VocabularySize, canonical: false, useAll: false);
        var draft = new AnswerDraft(tokens, []);
        var rest = NumpyText.Answer(labels);
        while (!draft.IsDone)
        {
            // Of the tokens that write this answer the longest: what stands before them is forced.
            var text = string.Concat(draft.Unseen.ToArray().Select(tokens.TextOf));
            draft.Add(draft.Choices.Where(id => rest[text.Length..].StartsWith(tokens.TextOf(id), StringComparison.Ordinal)).MaxBy(id => tokens.TextOf(id).Length), 0);
        }
        Assert.Equal(labels, draft.Answer.Labels);
        var written = draft.Answer.Written;
        Assert.Equal(draft.Unseen.ToArray(), written.Ids);
        for (var i = 0; i < labels.Length; i++)
        {
            // The text up to a label's token ends with the label, or goes beyond it within that token.
            var text = string.Concat(written.Ids[..(written.LabelTokens[i] + 1)].Select(tokens.TextOf));
            Assert.StartsWith(text[..^tokens.TextOf(written.Ids[written.LabelTokens[i]]).Length], NumpyText.Answer(labels[..(i + 1)]), StringComparison.Ordinal);
            Assert.StartsWith(NumpyText.Answer(labels[..(i + 1)])[..^1], text, StringComparison.Ordinal);
        }
        Assert.Equal(rest, tokenizer.Decode(draft.Unseen.ToArray(), skipSpecialTokens: false).TrimStart());
    }

    [SkippableTheory]
    [MemberData(nameof(Tokenizers))]
    public void Spans_hold_the_text_of_their_points(string folder)
    {
        Skip.If(folder == None, "no tokenizers in this set of expected values");
        var tokenizer = Tokenizer.Load(Goldens.At("tokenizers", folder, "tokenizer.json"));
        var points = Points(9);
        var prompt = new PaperFormat(tokenizer, null).Encode(points, 3);
        Assert.Equal(points.Count, prompt.Spans.Length);
        Assert.True(prompt.Spans[^1].End <= prompt.Ids.Length);
        for (var i = 0; i < points.Count; i++)
        {
            var span = prompt.Spans[i];
            Assert.True(span.Length > 0 && (i == 0 || span.Start >= prompt.Spans[i - 1].End));
            // A tokenizer may join the bracket of a point to what stands before it, never its last number.
            var text = tokenizer.Decode(prompt.Ids[span.Start..span.End], skipSpecialTokens: false);
            Assert.Contains($"{points.Row(i)[1]:0.00}".TrimEnd('0').TrimEnd('.'), text, StringComparison.Ordinal);
        }
    }

    private static PointSet Points(int count) =>
        new([.. Enumerable.Range(0, 2 * count).Select(i => ((i * 37 % 19) - 9) * 1.25)], count, 2);
}
