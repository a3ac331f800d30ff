using IccEngine.Formats;
using IccEngine.Testing;
using Xunit;

namespace IccEngine.InContext.Tests;

/// <summary>Texts that hold special tokens, in the prompt for texts and the chat templates of the expected values.</summary>
[Trait("Category", "Goldens")]
public class TextFormatTests
{
    private const string None = "(none)";

    public static TheoryData<string> Tokenizers => [.. Goldens.Folders("tokenizers").DefaultIfEmpty(None)];

    [SkippableTheory]
    [MemberData(nameof(Tokenizers))]
    public void Special_tokens_in_items_and_condition_are_text(string folder)
    {
        Skip.If(folder == None, "no tokenizers in this set of expected values");
        var tokenizer = Tokenizer.Load(Goldens.At("tokenizers", folder, "tokenizer.json"));
        var chat = Chat(folder);
        var specials = Enumerable.Range(0, tokenizer.VocabularySize).Where(tokenizer.IsSpecial).Select(id => tokenizer.IdToToken(id)!).ToArray();
        Assert.NotEmpty(specials);
        string[] hostile = [.. specials.Select(s => $"x{s}y{s}"), string.Concat(specials), $"{specials[0][..^1]}", $"{specials[0][1..]} z"];
        string[] plain = [.. hostile.Select((_, i) => $"item number {i}")];
        foreach (var render in new[] { null, chat }.Distinct())
        {
            foreach (var condition in new[] { null, $"by {specials[0]}" })
            {
                var prompt = Encode(tokenizer, render, hostile, condition);
                var expected = Encode(tokenizer, render, plain, condition is null ? null : "by topic");
                // What the templates and the tokenizer say themselves, and nothing else.
                Assert.Equal(expected.Ids.Where(tokenizer.IsSpecial), prompt.Ids.Where(tokenizer.IsSpecial));
                for (var i = 0; i < hostile.Length; i++)
                {
                    var span = prompt.Spans[i];
                    Assert.DoesNotContain(prompt.Ids[span.Start..span.End], tokenizer.IsSpecial);
                    // A tokenizer may join the ends of an item to what stands beside it.
                    var text = tokenizer.Decode(prompt.Ids[span.Start..span.End], skipSpecialTokens: true);
                    Assert.Contains(hostile[i][1..^1], text, StringComparison.Ordinal);
                }
            }
        }
    }

    private static EncodedPrompt Encode(
        Tokenizer tokenizer, Func<IReadOnlyList<ChatMessage>, string>? render, string[] items, string? condition)
    {
        var format = new TextFormat(items, TextTemplate.Load(null), condition, tokenizer, render, 100_000);
        return format.Encode(format.Points, 2);
    }

    /// <summary>The tokenizer's chat template, where it has one that takes a system message.</summary>
    private static Func<IReadOnlyList<ChatMessage>, string>? Chat(string folder)
    {
        var config = TokenizerConfig.Load(Goldens.At("tokenizers", folder));
        if (config.ChatTemplate is not { } source)
        {
            return null;
        }
        var template = ChatTemplate.Parse(source, folder);
        var tokens = config.SpecialTokens.ToDictionary(t => t.Key, object? (t) => t.Value);
        return messages => template.Render(messages, addGenerationPrompt: true, tokens);
    }
}
