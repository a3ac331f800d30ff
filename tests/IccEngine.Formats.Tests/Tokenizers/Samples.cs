using System.Text;
using System.Text.Json.Nodes;
using IccEngine.Testing;
using Xunit;

namespace IccEngine.Formats.Tests.Tokenizers;

/// <summary>Tokenizers and texts that several tests use.</summary>
internal static class Samples
{
    public static string EmbeddedModel => Path.Combine(Goldens.Repository, "tests", "data", "icc-tiny", "tokenizer.json");

    public static string Steps => Path.Combine(Goldens.Repository, "tests", "data", "tokenizer-steps", "cases.json");

    /// <summary>tokenizer.json of every golden tokenizer there is, and of the embedded model.</summary>
    public static TheoryData<string> Files =>
        [.. Goldens.Folders("tokenizers").Select(name => Goldens.At("tokenizers", name, "tokenizer.json")).Append(EmbeddedModel)];

    /// <summary>A small tokenizer with every kind of step, as an object to change.</summary>
    public static JsonObject Small() => JsonNode.Parse("""
        {
          "version": "1.0", "truncation": null, "padding": null,
          "added_tokens": [
            {"id": 0, "content": "<s>", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true},
            {"id": 20, "content": "<x>", "single_word": true, "lstrip": true, "rstrip": true, "normalized": true, "special": false}],
          "normalizer": {"type": "Sequence", "normalizers": [
            {"type": "NFC"}, {"type": "Lowercase"}, {"type": "Strip", "strip_left": true, "strip_right": true},
            {"type": "Prepend", "prepend": "_"}, {"type": "Replace", "pattern": {"String": " "}, "content": "_"}]},
          "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
            {"type": "Split", "pattern": {"Regex": "(?i:'s)|[^\\p{L}]?+\\p{L}{2,3}|\\s+(?!\\S)"}, "behavior": "Isolated", "invert": false},
            {"type": "Digits", "individual_digits": true}, {"type": "Metaspace", "replacement": "_", "prepend_scheme": "first", "split": true}]},
          "post_processor": {"type": "Sequence", "processors": [
            {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true},
            {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
             "pair": [], "special_tokens": {"<s>": {"id": "<s>", "ids": [0], "tokens": ["<s>"]}}}]},
          "decoder": {"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"String": "_"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"},
            {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
          "model": {"type": "BPE", "dropout": null, "unk_token": "<u>", "continuing_subword_prefix": null, "end_of_word_suffix": null,
            "fuse_unk": true, "byte_fallback": true, "ignore_merges": false,
            "vocab": {"<s>": 0, "<u>": 1, "a": 2, "b": 3, "ab": 4, "abab": 5, "_": 6, "1": 7, "<0xC3>": 8, "<0xA9>": 9, "é": 10, "_a": 11},
            "merges": ["a b", ["ab", "ab"], "_ a"]}
        }
        """)!.AsObject();

    public static Tokenizer Parse(JsonNode json) => Tokenizer.Parse(Encoding.UTF8.GetBytes(json.ToJsonString()), "small.json");

    public static int CountCodePoints(string text) => text.EnumerateRunes().Count();

    /// <summary>A text of up to 12 fragments that are hard to tokenize.</summary>
    public static string RandomText(Random random)
    {
        string[] fragments =
        [
            " ", "  ", "\n", "\r\n", "\t", "a", "the", "Hello", "don't", "IT'S", "it'\u017Ft", "123", "3.14", "[ -1.5 2.0 ]\n", "\u00E9",
            "e\u0301", "d\u0323\u0307", "\uAC01", "\u1100\u1161\u11A8", "\uFB01", "\u6570\u636E", "\U0001F600", "\U0001D4B3\U0001D7D9",
            "\u00A0", "\u3000", "\u0085", "\u180E", "\u200B", "\uFEFF", "\u001C", "\0", "\uFFFD", "\u00DF", "<s>", "</s>", "\u2581",
            "\u0120", "<0x41>", "\U000E0001", "...", "zzz",
        ];
        return string.Concat(Enumerable.Range(0, random.Next(13)).Select(_ => fragments[random.Next(fragments.Length)]));
    }
}
