using System.Text.Json;
using IccEngine.Formats;
using IccEngine.Testing;
using Xunit;

namespace IccEngine.InContext.Tests.Answers;

/// <summary>Tokenizers that answers are written with: those of the expected values, and one whose tokens join what they should not.</summary>
internal static class Vocabularies
{
    public const string Awkward = "(awkward merges)";

    public static TheoryData<string> Names => [Awkward, .. Goldens.Folders("tokenizers")];

    public static Tokenizer Open(string name) => name == Awkward ? MakeAwkward() : Tokenizer.Load(Goldens.At("tokenizers", name, "tokenizer.json"));

    /// <summary>Ids of a text behind another token, so that no decoder takes it for the beginning.</summary>
    public static int[] Anchor(Tokenizer tokenizer) => [tokenizer.TokenToId("0")!.Value];

    /// <summary>Single characters, and labels joined with separators, brackets and one another.</summary>
    private static Tokenizer MakeAwkward()
    {
        var vocabulary = new Dictionary<string, int>();
        foreach (var c in "0123456789[],.-ĠĊabc")
        {
            vocabulary[$"{c}"] = vocabulary.Count;
        }
        string[][] merges =
        [
            [",", "Ġ"], [",Ġ", "0"], [",Ġ", "1"], ["1", ",Ġ"], ["0", ",Ġ0"], ["0,Ġ0", ",Ġ1"], ["[", "0"], ["[", "1"], ["1", "1"], ["1", "0"],
            ["0", "0"], ["1", "]"], ["0", "]"], ["]", "]"], ["]", "Ċ"], ["2", ","], [",", "2"], ["Ġ", "Ġ"], ["Ġ", "2"], ["Ġ", "10"], ["[", "["],
            ["[0", ",Ġ1"], ["1]", "Ċ"], ["Ċ", "["], ["Ġ", "]"], ["Ġ]", "Ġ"], ["Ġ]Ġ", "0"], ["Ġ]Ġ0", "Ċ["],
        ];
        foreach (var merge in merges)
        {
            vocabulary.Add(merge[0] + merge[1], vocabulary.Count);
        }
        var decoder = new { type = "ByteLevel", add_prefix_space = false, trim_offsets = true, use_regex = false };
        var file = new { version = "1.0", added_tokens = Array.Empty<object>(), pre_tokenizer = decoder, decoder, model = new { type = "BPE", vocab = vocabulary, merges } };
        return Tokenizer.Parse(JsonSerializer.SerializeToUtf8Bytes(file), Awkward);
    }
}
