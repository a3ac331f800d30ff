using System.Text;
using System.Text.Json.Nodes;
using IccEngine.Core;
using Xunit;

namespace IccEngine.Formats.Tests.Tokenizers;

/// <summary>Files that are not what they should be are refused in one line that names the file and the place.</summary>
public class HostileTests
{
    /// <summary>Path of a key, the value put there, and what the message must name.</summary>
    public static TheoryData<string, string, string> Malformed => new()
    {
        { "model", "null", "\"model\"" },
        { "model.vocab", "[]", "model.vocab" },
        { "model.vocab", """{"<u>": 1, "a": 1}""", "same id" },
        { "model.vocab.a", "-1", "\"a\"" },
        { "model.vocab.a", "99999999999999999999", "\"a\"" },
        { "model.vocab.a", "2.5", "\"a\"" },
        { "model.vocab.a", "\"2\"", "\"a\"" },
        { "model.merges", "{}", "model.merges" },
        { "model.merges", "[\"a z\"]", "\"z\"" },
        { "model.merges", "[\"b a\"]", "\"ba\"" },
        { "model.merges", "[\"a b c\"]", "merge 0" },
        { "model.merges", "[[\"a\"]]", "merge 0" },
        { "model.merges", "[7]", "merge 0" },
        { "model.unk_token", "\"nowhere\"", "model.unk_token" },
        { "model.fuse_unk", "\"yes\"", "model.fuse_unk" },
        { "added_tokens", "{}", "added_tokens" },
        { "added_tokens", """[{"id": -4, "content": "x"}]""", "added_tokens[0].id" },
        { "added_tokens", """[{"id": 3, "content": "x"}]""", "\"b\"" },
        { "added_tokens", """[{"id": 30, "content": "a"}]""", "\"a\"" },
        { "added_tokens", """[{"id": 30, "content": "x"}, {"id": 30, "content": "y"}]""", "twice" },
        { "added_tokens", """[{"id": 30}]""", "added_tokens[0].content" },
        { "normalizer", "\"NFC\"", "normalizer" },
        { "normalizer", "{}", "normalizer.type" },
        { "normalizer.normalizers", "{}", "normalizer.normalizers" },
        { "pre_tokenizer", """{"type": "Split", "pattern": {"Regex": "(a"}, "behavior": "Isolated"}""", "pre_tokenizer.pattern.Regex" },
        { "pre_tokenizer", """{"type": "Split", "pattern": {"Regex": "[a"}, "behavior": "Isolated"}""", "pre_tokenizer.pattern.Regex" },
        { "pre_tokenizer", """{"type": "Split", "pattern": {"Regex": "a)"}, "behavior": "Isolated"}""", "pre_tokenizer.pattern.Regex" },
        { "pre_tokenizer", """{"type": "Split", "pattern": {"Regex": "[z-a]"}, "behavior": "Isolated"}""", "pre_tokenizer.pattern.Regex" },
        { "pre_tokenizer", """{"type": "Split", "pattern": {"Regex": "a\\"}, "behavior": "Isolated"}""", "pre_tokenizer.pattern.Regex" },
        { "pre_tokenizer", """{"type": "Split", "pattern": {"Regex": "a"}, "behavior": "Sideways"}""", "pre_tokenizer.behavior" },
        { "pre_tokenizer", """{"type": "Metaspace", "replacement": "__"}""", "pre_tokenizer.replacement" },
        { "post_processor.processors", """[{"type": "TemplateProcessing", "single": [], "special_tokens": {}}]""", "\"A\"" },
        { "post_processor", """{"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "q"}}], "special_tokens": {}}""", "\"q\"" },
        { "post_processor", """{"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "q"}}], "special_tokens": {"q": {"ids": [77]}}}""", "77" },
        { "decoder", "[]", "decoder" },
    };

    /// <summary>Path of a key, the value put there, and the name that the message must give.</summary>
    public static TheoryData<string, string, string> Unknown => new()
    {
        { "model.type", "\"Unigram\"", "Unigram" },
        { "model.dropout", "0.1", "model.dropout" },
        { "model.continuing_subword_prefix", "\"##\"", "continuing_subword_prefix" },
        { "model.end_of_word_suffix", "\"</w>\"", "end_of_word_suffix" },
        { "normalizer.type", "\"Precompiled\"", "Precompiled" },
        { "pre_tokenizer.type", "\"BertPreTokenizer\"", "BertPreTokenizer" },
        { "post_processor.type", "\"RobertaProcessing\"", "RobertaProcessing" },
        { "decoder.type", "\"WordPiece\"", "WordPiece" },
        { "pre_tokenizer", Split(@"\p{Han}"), "Han" },
        { "pre_tokenizer", Split(@"\bword"), @"\b" },
        { "pre_tokenizer", Split(@"(a)\1"), @"\1" },
        { "pre_tokenizer", Split("^a"), "anchor ^" },
        { "pre_tokenizer", Split("a*"), "empty text" },
        { "pre_tokenizer", Split("[a&&b]"), "set operation" },
        { "pre_tokenizer", Split("(?<n>a)"), "(?<n" },
        { "pre_tokenizer", Split("(?i:ss)"), "ss" },
        { "pre_tokenizer", Split("[\U0001F600]"), "outside the BMP" },
        { "pre_tokenizer", Split("((((a{90}){90}){90}){90}){90}"), "20000" },
        { "pre_tokenizer", Split(new string('(', 200) + "a" + new string(')', 200)), "50" },
        { "pre_tokenizer", Split("[\\u0000-\\uFFFF]"), "nearly all" },
    };

    [Theory]
    [MemberData(nameof(Malformed))]
    public void MalformedValuesAreRefused(string path, string value, string named)
    {
        var error = Assert.Throws<IccFormatException>(() => Samples.Parse(With(path, value)));
        Assert.StartsWith("small.json: ", error.Message, StringComparison.Ordinal);
        Assert.Contains(named, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Theory]
    [MemberData(nameof(Unknown))]
    public void UnknownFeaturesAreRefusedByName(string path, string value, string named)
    {
        var error = Assert.Throws<IccUnsupportedException>(() => Samples.Parse(With(path, value)));
        Assert.StartsWith("small.json: ", error.Message, StringComparison.Ordinal);
        Assert.Contains(named, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{\"model\": {")]
    [InlineData("{\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 0, \"a\": 1}, \"merges\": []}}")]
    [InlineData("{\"model\": {\"type\": \"BPE\", \"vocab\": {\"\\ud800\": 0}, \"merges\": []}}")]
    [InlineData("{\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 0}, \"merges\": [\"\\ud800 a\"]}}")]
    public void BrokenJsonIsRefused(string text)
    {
        var error = Assert.Throws<IccFormatException>(() => Tokenizer.Parse(Encoding.UTF8.GetBytes(text), "broken.json"));
        Assert.StartsWith("broken.json: ", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Fact]
    public void DeepNestingIsRefused()
    {
        var deep = string.Concat(Enumerable.Repeat("{\"type\":\"Sequence\",\"normalizers\":[", 50_000));
        Assert.Throws<IccFormatException>(() => Tokenizer.Parse(Encoding.UTF8.GetBytes($"{{\"normalizer\":{deep}"), "deep.json"));
        Assert.Throws<IccFormatException>(() => Tokenizer.Load(Path.Combine(Path.GetTempPath(), "no such folder", "tokenizer.json")));
    }

    [Fact]
    public void HugeIdsTakeNoMemory()
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        var tokenizer = Samples.Parse(With("model.vocab.a", "2147483647"));
        Assert.Equal(int.MaxValue, tokenizer.TokenToId("a"));
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 4 << 20);
    }

    [Fact]
    public void GrowingTextsAreRefused()
    {
        var doubling = string.Join(',', Enumerable.Repeat("""{"type": "Replace", "pattern": {"Regex": "[\\s\\S]"}, "content": "aa"}""", 40));
        var json = With("normalizer", $$"""{"type": "Sequence", "normalizers": [{{doubling}}]}""");
        json["added_tokens"] = new JsonArray();
        var tokenizer = Samples.Parse(json);
        Assert.Throws<IccFormatException>(() => tokenizer.Encode("abc", false));
        tokenizer = Samples.Parse(With("decoder", $$"""{"type": "Sequence", "decoders": [{{doubling}}]}"""));
        Assert.Throws<IccUnsupportedException>(() => tokenizer.Decode([2, 3], false));
    }

    [Fact]
    public void PatternsThatExplodeAreStopped()
    {
        var tokenizer = Samples.Parse(With("pre_tokenizer", Split("(?:a|a|aa)+!")));
        var error = Assert.Throws<IccUnsupportedException>(() => tokenizer.Encode(new string('a', 5000), false));
        Assert.Contains("small.json: pre_tokenizer.pattern.Regex", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void MutatedFilesAreReadOrRefused()
    {
        var random = new Random(6);
        var bytes = Encoding.UTF8.GetBytes(Samples.Small().ToJsonString());
        var (read, refused) = (0, 0);
        for (var round = 0; round < 4000; round++)
        {
            var mutant = round % 2 == 0 ? MutateBytes(bytes, random) : Encoding.UTF8.GetBytes(MutateValues(random).ToJsonString());
            try
            {
                var tokenizer = Tokenizer.Parse(mutant, "mutant.json");
                tokenizer.Decode(tokenizer.Encode("abab <x> \u00E91 it's <s> \uFFFD", true).Ids, true);
                read++;
            }
            catch (IccException e)
            {
                Assert.StartsWith("mutant.json: ", e.Message, StringComparison.Ordinal);
                Assert.DoesNotContain('\n', e.Message);
                refused++;
            }
        }
        // Both happen often, or the mutations test nothing.
        Assert.True(read > 200 && refused > 200, $"{read} read, {refused} refused");
    }

    private static string Split(string pattern) =>
        new JsonObject { ["type"] = "Split", ["pattern"] = new JsonObject { ["Regex"] = pattern }, ["behavior"] = "Isolated" }.ToJsonString();

    private static JsonObject With(string path, string value)
    {
        var json = Samples.Small();
        var keys = path.Split('.');
        keys[..^1].Aggregate((JsonNode)json, (node, key) => node[key]!)[keys[^1]] = JsonNode.Parse(value);
        return json;
    }

    private static byte[] MutateBytes(byte[] bytes, Random random)
    {
        var mutant = bytes.ToList();
        for (var i = random.Next(1, 4); i > 0; i--)
        {
            var at = random.Next(mutant.Count);
            switch (random.Next(4))
            {
                case 0: mutant[at] = (byte)random.Next(256); break;
                case 1: mutant.RemoveAt(at); break;
                case 2: mutant.Insert(at, mutant[random.Next(mutant.Count)]); break;
                default: mutant.RemoveRange(at, Math.Min(random.Next(1, 40), mutant.Count - at)); break;
            }
        }
        return [.. mutant];
    }

    private static JsonObject MutateValues(Random random)
    {
        string[] values = ["null", "true", "-1", "1e300", "7", "\"\"", "\"a\"", "\"ab\"", "\"\\\\s*\"", "\"NFKD\"", "\"ByteLevel\"", "\"Strip\"", "[]", "{}", "[[\"a\",\"b\"]]"];
        var json = Samples.Small();
        var places = new List<(JsonNode Parent, object Key)>();
        Collect(json);
        for (var i = random.Next(1, 3); i > 0; i--)
        {
            var (parent, key) = places[random.Next(places.Count)];
            var value = random.Next(3) == 0 ? At(places[random.Next(places.Count)])?.DeepClone() : JsonNode.Parse(values[random.Next(values.Length)]);
            if (key is string name)
            {
                parent[name] = value;
            }
            else
            {
                parent[(int)key] = value;
            }
        }
        return json;

        static JsonNode? At((JsonNode Parent, object Key) place) => place.Key is string name ? place.Parent[name] : place.Parent[(int)place.Key];

        void Collect(JsonNode? node)
        {
            if (node is JsonObject members)
            {
                foreach (var (key, value) in members)
                {
                    places.Add((node, key));
                    Collect(value);
                }
            }
            else if (node is JsonArray items)
            {
                for (var i = 0; i < items.Count; i++)
                {
                    places.Add((node, i));
                    Collect(items[i]);
                }
            }
        }
    }
}
