using System.Text.Json;
using System.Text.Json.Nodes;
using Xunit;

namespace IccEngine.Formats.Tests.Tokenizers;

/// <summary>Random combinations of steps, with what the tokenizers library gives for them.</summary>
public class StepTests
{
    [Fact]
    public void StepsDoWhatTheLibraryDoes()
    {
        var file = JsonNode.Parse(File.ReadAllBytes(Samples.Steps))!;
        var differences = new Differences();
        foreach (var item in file["cases"]!.AsArray())
        {
            var json = file["tokenizer"]!.DeepClone();
            foreach (var key in new[] { "normalizer", "pre_tokenizer", "post_processor", "decoder" })
            {
                json[key] = item![key]?.DeepClone();
            }
            item!["added_tokens"]!.AsArray().ToList().ForEach(token => json["added_tokens"]!.AsArray().Add(token!.DeepClone()));
            item["model"]!.AsObject().ToList().ForEach(option => json["model"]![option.Key] = option.Value!.DeepClone());
            var tokenizer = Samples.Parse(json);
            foreach (var expected in item["texts"]!.AsArray())
            {
                var text = (string)expected!["text"]!;
                var found = tokenizer.Encode(text, true);
                differences.Check(text, "ids", expected["ids"].Deserialize<int[]>()!, found.Ids);
                differences.Check(text, "tokens", expected["tokens"].Deserialize<string[]>()!, found.Tokens);
                differences.Check(text, "offsets", expected["offsets"].Deserialize<int[][]>()!.Select(o => (o[0], o[1])), found.Offsets);
                differences.Check(text, "decoded", [(string)expected["decoded"]!], [tokenizer.Decode(found.Ids, true)]);
            }
        }
        differences.AssertNone();
    }
}
